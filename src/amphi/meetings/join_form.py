"""The form at a meeting's door."""

import unicodedata
from typing import Any

from django import forms
from django.core.cache import cache
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.meetings.models import Meeting
from amphi.meetings.page_form import PageForm

LONGEST_NAME = 60
WRONG_PASSWORDS_PER_MINUTE = 30
"""For one meeting, whoever tries."""


class JoinForm(PageForm):
    """A name for those who are not logged in, and the password where there is one."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As the others will see it."),
    )
    password = forms.CharField(
        label=_("Password of the meeting"),
        max_length=64,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("It is in your invitation."),
    )

    def __init__(
        self, data: Any = None, *, meeting: Meeting, asks_name: bool, asks_password: bool, name: str
    ) -> None:
        """A form that asks for what is not known yet."""
        super().__init__(data, initial={"name": name})
        self._meeting = meeting
        if not asks_name:
            del self.fields["name"]
        if not asks_password:
            del self.fields["password"]
        self.style()

    def clean_name(self) -> str:
        """The name on one line, with nothing in it that can't be shown."""
        typed = self.cleaned_data["name"]
        printable = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in typed)
        name = " ".join(printable.split())
        if not name:
            raise forms.ValidationError(gettext("Type the name that the others will see."))
        return name

    def clean_password(self) -> str:
        """The right password; after many wrong ones nobody is heard for a minute."""
        given: str = self.cleaned_data["password"].strip()
        key = f"join-password-{self._meeting.pk}"
        if cache.get(key, 0) >= WRONG_PASSWORDS_PER_MINUTE:
            raise forms.ValidationError(gettext("Too many wrong passwords. Try again in a minute."))
        if not constant_time_compare(given, self._meeting.password):
            cache.add(key, 0, timeout=60)
            cache.incr(key)
            raise forms.ValidationError(gettext("This is not the password of this meeting."))
        return given
