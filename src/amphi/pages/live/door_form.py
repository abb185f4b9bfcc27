"""The form for the password of a live event."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amphi.accounts import guesses
from amphi.audience.models import Event
from amphi.pages.page_form import PageForm


class DoorForm(PageForm):
    """Asks for the password of a live event."""

    password = forms.CharField(
        label=_("Password"),
        max_length=64,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Ask the organiser."),
    )

    def __init__(self, request: HttpRequest, event: Event) -> None:
        """The form, with the posted data if `request` is a POST."""
        super().__init__(request.POST if request.method == "POST" else None)
        self._request = request
        self._event = event
        self.style()

    def clean_password(self) -> str:
        """Check the password. After many wrong ones this address must wait a minute."""
        event = self._event
        return guesses.check_at_door(self._request, event.door, self.cleaned_data["password"], event.password)
