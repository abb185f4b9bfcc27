"""Passwords are not to be guessed: not those of accounts, nor those at the doors of meetings and live events.

A guess is counted in the database before the password is looked at, and taken back when it was right: so a hundred at once can't all be
the last allowed, a flood can't push a count out of a cache, all web processes count together, and no processor time goes into hashing
what is refused anyway. An IPv6 guesser owns a /64 at least, so that is what counts as one address.

All addresses together have a limit too, for each account and each door, or thousands of them would guess on. So that nobody shuts others out
by using it up, it is in two halves: one for addresses that guessed wrong there within an hour, one for all others. Who comes for the first
time is refused only while that many others come for the first time, and guess wrong.

The address is the one that uvicorn found: a proxy's word for it is taken only from ``AMPHI_TRUSTED_PROXIES``.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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
"""From everywhere together, of each half; a browser that logged in before is not kept out by what others guess, see `KNOWN_COOKIE`."""
DOOR_WINDOW = timedelta(minutes=1)
DOOR_BY_ADDRESS = 30
"""At one door, from one address."""
DOOR_BY_ALL = 100
"""At one door, from everywhere together, of each half."""
NEW_AFTER = timedelta(hours=1)
"""An address whose last wrong guess at an account or a door is older than that is as good as one that never guessed."""
KEPT = max(LOGIN_WINDOW, ACCOUNT_WINDOW, DOOR_WINDOW, NEW_AFTER)
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


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many wrong guesses are allowed from everywhere together, of each half."""

    what: tuple[str, ...]
    most: int
    window: timedelta

    def half(self, name: str) -> Limit:
        """The limit of one half."""
        return Limit((*self.what, name), self.most, self.window)


def network(request: HttpRequest) -> str:
    """Where a request comes from, as far as one guesser can choose it."""
    return network_of(str(request.META.get("REMOTE_ADDR", "")))


def count(limits: Sequence[Limit], crowd: Crowd | None = None) -> list[Limit]:
    """Count one guess.

    Args:
        limits: against each of these; the first is that of this address, here.
        crowd: and against one half of this.

    Returns:
        What it was counted against.

    Raises:
        TooManyGuessesError: one of them is used up; then it is counted against none.
    """
    new, known = (crowd.half("new"), crowd.half("known")) if crowd else (None, None)
    keys = sorted({limit.key for limit in (*limits, new, known) if limit})
    now = timezone.now()
    with transaction.atomic():
        WrongGuesses.objects.bulk_create(
            [WrongGuesses(key=key, since=now) for key in keys], ignore_conflicts=True
        )
        rows = {
            row.key: row
            for row in WrongGuesses.objects.select_for_update().filter(key__in=keys).order_by("key")
        }
        half = new if _is_new(rows[limits[0].key], now) else known
        counted = [limit for limit in (*limits, half) if limit]
        for limit in counted:
            row = rows[limit.key]
            if now - row.since >= limit.window:
                row.since, row.number = now, 0
        if any(rows[limit.key].number >= limit.most for limit in counted):
            raise TooManyGuessesError
        for limit in counted:
            rows[limit.key].number += 1
        WrongGuesses.objects.bulk_update([rows[limit.key] for limit in counted], ["since", "number"])
    return counted


def _is_new(here: WrongGuesses, now: datetime) -> bool:
    return not here.number or now - here.since >= NEW_AFTER


def take_back(limits: Iterable[Limit]) -> None:
    """The guess that was counted was right."""
    keys = [limit.key for limit in limits]
    WrongGuesses.objects.filter(key__in=keys, number__gt=0).update(number=F("number") - 1)


# --- logging in


def count_login(request: HttpRequest, username: str) -> list[Limit]:
    """Count a try to log in as `username`; what it was counted against is given.

    Raises:
        TooManyGuessesError: too many were wrong.
    """
    account = known_value(username)
    here = network(request)
    limits = [
        Limit(("login", account, here), LOGIN_BY_ACCOUNT_AND_ADDRESS, LOGIN_WINDOW),
        Limit(("login-address", here), LOGIN_BY_ADDRESS, LOGIN_WINDOW),
    ]
    known = request.get_signed_cookie(KNOWN_COOKIE, default="", max_age=KNOWN_S)
    is_known = constant_time_compare(str(known), account)
    return count(
        limits, None if is_known else Crowd(("login-account", account), LOGIN_BY_ACCOUNT, ACCOUNT_WINDOW)
    )


def known_value(username: str) -> str:
    """What a browser remembers, signed, of an account that logged in with it."""
    return unicodedata.normalize("NFKC", username).casefold()


# --- doors


def check_at_door(request: HttpRequest, door: str, given: str, password: str) -> str:
    """The password as given, without the spaces that copying leaves around it.

    Raises:
        ValidationError: it is wrong, or so many were wrong, from this address or from all, that no more are looked at for a minute.
    """
    given = given.strip()
    here = Limit(("door", door, network(request)), DOOR_BY_ADDRESS, DOOR_WINDOW)
    try:
        counted = count([here], Crowd(("door", door), DOOR_BY_ALL, DOOR_WINDOW))
    except TooManyGuessesError:
        raise forms.ValidationError(gettext("Too many wrong passwords. Try again in a minute.")) from None
    if not constant_time_compare(given, password):
        raise forms.ValidationError(gettext("Wrong password."))
    take_back(counted)
    return given
