"""The form at a meeting's door."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.accounts import guesses
from amphi.meetings.models import Meeting
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_line

LONGEST_NAME = 60


class JoinForm(PageForm):
    """A name for those who are not logged in, and the password where there is one."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As others will see it."),
    )
    password = forms.CharField(
        label=_("Password of the meeting"),
        max_length=64,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("It is in your invitation."),
    )

    def __init__(
        self, request: HttpRequest, *, meeting: Meeting, asks_name: bool, asks_password: bool, name: str
    ) -> None:
        """A form that asks for what is not known yet, filled in if `request` posts it."""
        super().__init__(request.POST if request.method == "POST" else None, initial={"name": name})
        self._request = request
        self._meeting = meeting
        if not asks_name:
            del self.fields["name"]
        if not asks_password:
            del self.fields["password"]
        self.style()

    def clean_name(self) -> str:
        """The name on one line, with nothing in it that can't be shown."""
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(gettext("Enter the name that others will see."))
        return name

    def clean_password(self) -> str:
        """The right password; after many wrong ones no more from this address are looked at for a minute."""
        meeting = self._meeting
        return guesses.check_at_door(
            self._request, meeting.door, self.cleaned_data["password"], meeting.password
        )
