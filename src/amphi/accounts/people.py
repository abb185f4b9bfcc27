"""Finding people by what others call them."""

from collections.abc import Sequence

from django.db.models import Q
from django.db.models.functions import Lower

from amphi.accounts.models import User


def named(words: Sequence[str]) -> tuple[list[User], list[str]]:
    """The users named by `words`, in one query, and the words that name nobody.

    A user name wins over an email address; an address of two users names nobody.
    """
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
    return list(dict.fromkeys(people)), unknown
