"""The form by which people join a meeting."""

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
    """Asks for a name, unless the person is logged in, and for the password, if the meeting has one."""

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
        """A form for what is not known yet, with the posted data if `request` is a POST."""
        super().__init__(request.POST if request.method == "POST" else None, initial={"name": name})
        self._request = request
        self._meeting = meeting
        if not asks_name:
            del self.fields["name"]
        if not asks_password:
            del self.fields["password"]
        self.style()

    def clean_name(self) -> str:
        """The name on one line, without characters that can't be shown."""
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(gettext("Enter the name that others will see."))
        return name

    def clean_password(self) -> str:
        """Check the password. After many wrong ones this address must wait a minute."""
        meeting = self._meeting
        return guesses.check_at_door(
            self._request, meeting.door, self.cleaned_data["password"], meeting.password
        )
