"""The section “after the live” of a webinar's options."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from amphi.accounts.models import User
from amphi.audience import afterwards
from amphi.audience.afterwards import LONGEST_ADDRESS, LONGEST_TEXT, Afterwards
from amphi.audience.exceptions import SurveyAddressError
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.system.typed import clean_text


class AfterwardsSection(OptionsForm):
    """What listeners find once the live is over."""

    after_text = forms.CharField(
        label=gettext_lazy("Message"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("In place of “Thank you for taking part.”"),
    )
    survey_url = forms.URLField(
        label=gettext_lazy("Survey"),
        required=False,
        max_length=LONGEST_ADDRESS,
        assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://"}),
        help_text=gettext_lazy("The address of a questionnaire. Listeners see the name of its site."),
    )
    conversation_stays = forms.BooleanField(
        label=gettext_lazy("The conversation can still be read"),
        required=False,
        help_text=gettext_lazy("Discussion, questions and polls. You can download them in any case."),
    )

    def clean_after_text(self) -> str:
        """Without what can't be seen."""
        return clean_text(self.cleaned_data["after_text"])

    def clean_survey_url(self) -> str:
        """An https address."""
        address: str = self.cleaned_data["survey_url"]
        if address:
            try:
                afterwards.host_of(address)
            except SurveyAddressError as error:
                raise ValidationError(str(error)) from None
        return address

    def save(self, *, user: User) -> None:
        """Have it be so."""
        del user
        afterwards.change(self.event, Afterwards(**self.cleaned_data))
