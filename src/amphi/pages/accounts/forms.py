"""The forms of logging in: the platform's page and the administration's."""

import logging
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.accounts import guesses
from amphi.signon.exceptions import SignOnError, WrongPasswordError
from amphi.signon.person import LONGEST_VALUE, Person

if TYPE_CHECKING:
    from amphi.signon.directory import Directory

log = logging.getLogger(__name__)


def _count(request: HttpRequest, name: str) -> list[guesses.Limit]:
    """Count an attempt to log in.

    Raises:
        ValidationError: there were too many wrong passwords from this address or for this account.
    """
    try:
        return guesses.count_login(request, name)
    except guesses.TooManyGuessesError:
        log.warning(
            "logins from %s are refused for a while: too many wrong passwords", guesses.network(request)
        )
        raise forms.ValidationError(
            gettext("Too many wrong passwords. Try again in a quarter of an hour."), code="too_many"
        ) from None


class GuardedForm(AuthenticationForm):
    """Counts each attempt before it hashes the password: hashing is slow by design, so guessers must not cause it."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        """Log in, unless there were too many wrong passwords from this address or for this account."""
        counted = _count(self.request, self.cleaned_data.get("username") or "")
        cleaned: dict[str, Any] = super().clean()
        guesses.take_back(counted)
        return cleaned


class LoginForm(GuardedForm):
    """Django's form, with Bootstrap's classes."""

    def __init__(self, *args, **kwargs) -> None:  # noqa: ANN002, ANN003 -- Django's signature
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


class DirectoryForm(forms.Form):
    """Name and password of the university's directory.

    Args:
        request: the request, whose address counts.
        directory: it is asked.

    Attributes:
        person: who logged in.
    """

    username = forms.CharField(
        label=_("Username"),
        max_length=LONGEST_VALUE,
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "username", "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, directory: "Directory", data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="directory_%s")
        self._request = request
        self._directory = directory
        self.person: Person | None = None

    @staticmethod
    def counted_name(name: str) -> str:
        """The name under which guesses are counted: an account of the platform may have the same."""
        return f"ldap {name}"

    def clean(self) -> dict[str, Any]:
        """Ask the directory, unless there were too many wrong passwords."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return self.cleaned_data
        counted = _count(self._request, self.counted_name(name))
        try:
            self.person = self._directory.log_in(name, password)
        except WrongPasswordError:
            raise forms.ValidationError(gettext("Wrong username or password.")) from None
        except SignOnError as error:
            log.warning("the directory can’t be asked: %s", error)
            guesses.take_back(counted)
            raise forms.ValidationError(
                gettext("%(system)s does not answer right now. Try again in a moment.")
                % {"system": self._directory.label}
            ) from None
        guesses.take_back(counted)
        return self.cleaned_data


class AdminLoginForm(GuardedForm, AdminAuthenticationForm):
    """The administration's form, which admits only staff."""
