"""Passwords are not to be guessed: not those of accounts, nor those at the doors of meetings and live events.

A guess is counted in the database before the password is looked at, and taken back when it was right: so a hundred at once can't all be
the last allowed, a flood can't push a count out of a cache, all web processes count together, and no processor time goes into hashing
what is refused anyway. An IPv6 guesser owns a /64 at least, so that is what counts as one address.

The address is the one that uvicorn found: a proxy's word for it is taken only from ``AMPHI_TRUSTED_PROXIES``.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from amphi.accounts.models import WrongGuesses
from amphi.system.addresses import network_of

log = logging.getLogger(__name__)

LOGIN_WINDOW = timedelta(minutes=15)
LOGIN_BY_ACCOUNT_AND_ADDRESS = 10
LOGIN_BY_ADDRESS = 100
"""A lecture hall behind one address mistypes as well."""
ACCOUNT_WINDOW = timedelta(hours=1)
LOGIN_BY_ACCOUNT = 100
"""From everywhere together; a browser that logged in before is not kept out by what others guess, see `KNOWN_COOKIE`."""
DOOR_WINDOW = timedelta(minutes=1)
DOOR_BY_ADDRESS = 30
"""At one door, from one address."""
KEPT = max(LOGIN_WINDOW, ACCOUNT_WINDOW, DOOR_WINDOW)
"""A count that is older says nothing any more."""

KNOWN_COOKIE = "amphi_known"
KNOWN_S = 180 * 24 * 3600
"""How long a browser is known as one that its account logged in with."""


class TooManyGuessesError(Exception):
    """So many guesses were wrong that no more are looked at for a while."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many wrong guesses are allowed of one kind.

    Attributes:
        what: what they have in common, such as the account and the address; kept as a digest only, since people type passwords as names.
        most: how many within `window`.
        window: counted from the first.
    """

    what: tuple[str, ...]
    most: int
    window: timedelta

    @property
    def key(self) -> str:
        """Under which it is counted."""
        return hashlib.sha256("\0".join(self.what).encode(errors="surrogatepass")).hexdigest()


def network(request: HttpRequest) -> str:
    """Where a request comes from, as far as one guesser can choose it."""
    return network_of(str(request.META.get("REMOTE_ADDR", "")))


def count(limits: Iterable[Limit]) -> None:
    """Count one guess against each of `limits`.

    Raises:
        TooManyGuessesError: one of them is used up; then it is counted against none.
    """
    by_key = {limit.key: limit for limit in limits}
    now = timezone.now()
    with transaction.atomic():
        WrongGuesses.objects.bulk_create(
            [WrongGuesses(key=key, since=now) for key in sorted(by_key)], ignore_conflicts=True
        )
        rows = list(WrongGuesses.objects.select_for_update().filter(key__in=by_key).order_by("key"))
        for row in rows:
            if now - row.since >= by_key[row.key].window:
                row.since, row.number = now, 0
        if any(row.number >= by_key[row.key].most for row in rows):
            raise TooManyGuessesError
        for row in rows:
            row.number += 1
        WrongGuesses.objects.bulk_update(rows, ["since", "number"])


def take_back(limits: Iterable[Limit]) -> None:
    """The guess that was counted was right."""
    keys = [limit.key for limit in limits]
    WrongGuesses.objects.filter(key__in=keys, number__gt=0).update(number=F("number") - 1)


# --- logging in


def login_limits(request: HttpRequest, username: str) -> list[Limit]:
    """What a try to log in as `username` counts against."""
    account = known_value(username)
    here = network(request)
    limits = [
        Limit(("login", account, here), LOGIN_BY_ACCOUNT_AND_ADDRESS, LOGIN_WINDOW),
        Limit(("login-address", here), LOGIN_BY_ADDRESS, LOGIN_WINDOW),
    ]
    known = request.get_signed_cookie(KNOWN_COOKIE, default="", max_age=KNOWN_S)
    if not constant_time_compare(str(known), account):
        limits.append(Limit(("login-account", account), LOGIN_BY_ACCOUNT, ACCOUNT_WINDOW))
    return limits


def known_value(username: str) -> str:
    """What a browser remembers, signed, of an account that logged in with it."""
    return unicodedata.normalize("NFKC", username).casefold()


# --- doors


def check_at_door(request: HttpRequest, door: str, given: str, password: str) -> str:
    """The password as given, without the spaces that copying leaves around it.

    Raises:
        ValidationError: it is wrong, or so many were wrong that no more from this address are looked at for a minute.
    """
    given = given.strip()
    limits = [Limit(("door", door, network(request)), DOOR_BY_ADDRESS, DOOR_WINDOW)]
    try:
        count(limits)
    except TooManyGuessesError:
        raise forms.ValidationError(gettext("Too many wrong passwords. Try again in a minute.")) from None
    if not constant_time_compare(given, password):
        raise forms.ValidationError(gettext("Wrong password."))
    take_back(limits)
    return given
