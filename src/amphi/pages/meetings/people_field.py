"""A form field for naming people."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext

from amphi.accounts.models import User
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
    """The users named by `words`, in one query. A user name wins over an address; an address of two users names nobody."""
    rows = User.objects.filter(is_active=True).annotate(lower=Lower("email"))
    found = (
        rows.filter(Q(username__in=words) | Q(lower__in=[word.lower() for word in words])) if words else []
    )
    by_name = {user.get_username(): user for user in found}
    by_address: dict[str, list[User]] = {}
    for user in found:
        by_address.setdefault(user.email.lower(), []).append(user)
    people: list[User] = []
    unknown = []
    for word in words:
        meant = [by_name[word]] if word in by_name else by_address.get(word.lower(), [])
        if len(meant) == 1:
            people += meant
        else:
            unknown.append(word)
    if unknown:
        raise ValidationError(
            gettext("No account found for: %(names)s. Enter user names or email addresses."),
            params={"names": ", ".join(unknown[:10])},
        )
    return list(dict.fromkeys(people))
