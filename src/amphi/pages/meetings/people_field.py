"""A form field for naming people."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from amphi.accounts.models import User
from amphi.accounts.people import named
from amphi.pages.meetings.pasted import addresses_in

MOST_PEOPLE = 100
"""The most people in one field."""


def names_of(people: list[User]) -> str:
    """The field's text for `people`."""
    return ", ".join(person.get_username() for person in people)


class PeopleField(forms.CharField):
    """People by user name or email address, separated by commas, semicolons or spaces, or pasted with their names."""

    def clean(self, value: str) -> list[User]:
        """The users.

        Raises:
            ValidationError: a word is nobody or ambiguous (the message says which), or there are too many.
        """
        text = super().clean(value)
        if "<" in text:
            pasted = addresses_in(text)
            words = list(dict.fromkeys([*pasted.addresses, *pasted.wrong]))
        else:
            words = list(dict.fromkeys(word for word in re.split(r"[,;\s]+", text) if word))
        if len(words) > MOST_PEOPLE:
            raise ValidationError(
                gettext("At most %(most)s people can be named; you entered %(given)s."),
                params={"most": MOST_PEOPLE, "given": len(words)},
            )
        return _people(words)


def _people(words: list[str]) -> list[User]:
    people, unknown = named(words)
    if unknown:
        raise ValidationError(
            gettext("No account found for: %(names)s. Enter user names or email addresses."),
            params={"names": ", ".join(unknown[:10])},
        )
    return people
