"""The forms of logging in: the platform's page and the administration's."""

import logging
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext

from amphi.accounts import guesses

log = logging.getLogger(__name__)


class GuardedForm(AuthenticationForm):
    """Counts each attempt before it hashes the password: hashing is slow by design, so guessers must not cause it."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        """Log in, unless there were too many wrong passwords from this address or for this account."""
        try:
            counted = guesses.count_login(self.request, self.cleaned_data.get("username") or "")
        except guesses.TooManyGuessesError:
            log.warning(
                "logins from %s are refused for a while: too many wrong passwords",
                guesses.network(self.request),
            )
            raise forms.ValidationError(
                gettext("Too many wrong passwords. Try again in a quarter of an hour."), code="too_many"
            ) from None
        cleaned: dict[str, Any] = super().clean()
        guesses.take_back(counted)
        return cleaned


class LoginForm(GuardedForm):
    """Django's form, with Bootstrap's classes."""

    def __init__(self, *args, **kwargs) -> None:  # noqa: ANN002, ANN003 -- Django's signature
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


class AdminLoginForm(GuardedForm, AdminAuthenticationForm):
    """The administration's form, which admits only staff."""
