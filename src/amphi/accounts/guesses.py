"""Limits wrong passwords: of accounts, and of meetings and live events (their “doors”).

Each guess is counted in the database before the password is checked, and taken back when it was right. So a hundred requests at once
can't share the last allowed guess, no flood pushes a count out of a cache, all web processes count together, and refused guesses cost
no hashing. An IPv6 /64 counts as one address, since one customer owns at least that.

All addresses together have a limit too, for each account and each door: otherwise guessers with thousands of addresses would go on. So
that nobody can shut others out by using it up, this limit has two halves: one for addresses that guessed wrong there within an hour, one
for all others. Somebody who comes for the first time is refused only while that many newcomers guess wrong.

The address is uvicorn's: forwarded addresses are accepted only from ``AMPHI_TRUSTED_PROXIES``.
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
"""High, because a whole lecture hall may log in from one address, with its typing errors."""
ACCOUNT_WINDOW = timedelta(hours=1)
LOGIN_BY_ACCOUNT = 100
"""From all addresses together, for each half. Browsers that logged in before are exempt, see `KNOWN_COOKIE`."""
DOOR_WINDOW = timedelta(minutes=1)
DOOR_BY_ADDRESS = 30
"""At one door, from one address."""
DOOR_BY_ALL = 100
"""At one door, from all addresses together, for each half."""
NEW_AFTER = timedelta(hours=1)
"""An address counts as new again when its last wrong guess at an account or a door is older than this."""
KEPT = max(LOGIN_WINDOW, ACCOUNT_WINDOW, DOOR_WINDOW, NEW_AFTER)
"""Older counts are deleted."""

KNOWN_COOKIE = "amphi_known"
KNOWN_S = 180 * 24 * 3600
"""How long a browser that logged in is remembered, in seconds."""


class TooManyGuessesError(Exception):
    """Too many guesses were wrong: no more are checked for a while."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many wrong guesses of one kind are allowed.

    Attributes:
        what: what these guesses share, such as account and address. Only its digest is stored, since people type passwords as names.
        most: how many are allowed within `window`.
        window: begins with the first guess.
    """

    what: tuple[str, ...]
    most: int
    window: timedelta

    @property
    def key(self) -> str:
        """The key of its counter."""
        return hashlib.sha256("\0".join(self.what).encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Crowd:
    """The limit of wrong guesses from all addresses together, for each half."""

    what: tuple[str, ...]
    most: int
    window: timedelta

    def half(self, name: str) -> Limit:
        """The limit of one half."""
        return Limit((*self.what, name), self.most, self.window)


def network(request: HttpRequest) -> str:
    """The network that a request comes from; see `network_of`."""
    return network_of(str(request.META.get("REMOTE_ADDR", "")))


def count(limits: Sequence[Limit], crowd: Crowd | None = None) -> list[Limit]:
    """Count one guess.

    Args:
        limits: it counts against each of these; the first must be the one of this address at this account or door.
        crowd: it also counts against one half of this.

    Returns:
        The limits that it was counted against.

    Raises:
        TooManyGuessesError: one limit is reached; the guess is then counted against none.
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
    """Take back a counted guess that was right."""
    keys = [limit.key for limit in limits]
    WrongGuesses.objects.filter(key__in=keys, number__gt=0).update(number=F("number") - 1)


# --- logging in


def count_login(request: HttpRequest, username: str) -> list[Limit]:
    """Count an attempt to log in as `username`; returns the limits that it was counted against.

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
    """The value of a browser's signed cookie after `username` logged in with it."""
    return unicodedata.normalize("NFKC", username).casefold()


# --- doors


def check_at_door(request: HttpRequest, door: str, given: str, password: str) -> str:
    """Check the password `given` at `door`; return it without the spaces that copying may add.

    Raises:
        ValidationError: it is wrong, or too many were wrong, from this address or from all, so that nobody may try for a minute.
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
