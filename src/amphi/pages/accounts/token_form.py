"""The form of a new token."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from amphi.accounts import tokens
from amphi.accounts.models import User
from amphi.pages.page_form import PageForm

DAYS = 90


class TokenForm(PageForm):
    """A new token."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("What uses it, such as: timetable of the faculty."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it opens"), required=False, widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label=_("Valid for"), coerce=int, initial=DAYS)

    def __init__(self, data: Any, *, user: User) -> None:
        """A form with what `user` may choose."""
        super().__init__(data)
        self._offer("scopes", [(scope, tokens.SCOPES[scope]) for scope in tokens.scopes_for(user)])
        self._offer(
            "days",
            [
                (days, ngettext("%(count)d day", "%(count)d days", days) % {"count": days})
                for days in tokens.DAYS
            ],
        )
        self.style()

    def _offer(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = choices
