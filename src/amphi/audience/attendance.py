"""Attendance of a live: who listened, minute by minute, noted by each web process in statements whose number no crowd raises.

A viewer has one row an airing, whose minutes are counted up. Those without an account are counted and never named: a day after, their rows
are gone and only their number stays. The minutes of people are kept for ``AMPHI_ATTENDANCE_DAYS``, the curve as long as the event.
"""

import hmac
import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.crypto import salted_hmac

from amphi.audience import registration
from amphi.audience.airings import on_the_air
from amphi.audience.models import Airing, Event, Presence
from amphi.audience.queries import reading
from amphi.audience.roll import Present

ANONYMOUS_KEPT = timedelta(days=1)
"""After the airing: until then they tell one browser from another."""
MOST_VIEWERS = 100_000
"""Rows of one airing: who asks for ticket after ticket does not fill the disk."""
MOST_AT_ONCE = 5000
PSEUDONYM = "p"
NAMED = ("u", "r")
"""How the keys of those begin who are logged in, or came by the link of their registration."""

_LISTS = {"postgresql": "json_array_elements_text(%s::json) AS given(value)", "sqlite": "json_each(%s)"}
# One statement for thousands of viewers, whose keys are one parameter: rows and parameters made one by one in Python would keep
# the process from its streams. In the order of keys, so that two processes that note the same people don't wait for each other in turn.
_NOTE = """
INSERT INTO audience_presence (airing_id, viewer, minutes, first_minute, last_minute)
SELECT %s, value, 1, %s, %s FROM {keys}
WHERE %s OR value IN (SELECT viewer FROM audience_presence WHERE airing_id = %s)
ORDER BY value
ON CONFLICT (airing_id, viewer) DO UPDATE
SET minutes = audience_presence.minutes + 1, last_minute = excluded.last_minute
WHERE audience_presence.last_minute < excluded.last_minute
"""
_COUNT = """
INSERT INTO audience_airingminute (airing_id, minute, listeners) VALUES (%s, %s, %s)
ON CONFLICT (airing_id, minute) DO UPDATE SET listeners = audience_airingminute.listeners + excluded.listeners
"""


@reading
def note(present: Present, minute: int) -> None:
    """Note who listens to each event in a minute; whoever is noted already, by this process or another, is counted once.

    Raises:
        LogUnavailableError: the database can't be written just now.
    """
    for airing in on_the_air(present.keys(), timezone.now()):
        viewers = present[airing.event_id]
        with transaction.atomic(), connection.cursor() as cursor:
            count = _note(cursor, airing, _keys(airing.event, viewers), minute)
            cursor.execute(_COUNT, [airing.pk, minute, count])
        if airing.event.registrations.filter(came_at=None).exists():
            registration.note_came(airing.event, viewers)


def _note(cursor: CursorWrapper, airing: Airing, keys: Collection[str], minute: int) -> int:
    """How many are new in this minute."""
    has_room = airing.presences.count() + len(keys) <= MOST_VIEWERS
    statement = _NOTE.format(keys=_LISTS[connection.vendor])
    cursor.execute(statement, [airing.pk, minute, minute, json.dumps(list(keys)), has_room, airing.pk])
    return int(cursor.rowcount)


# --- pseudonyms


def _keys(event: Event, viewers: Iterable[str]) -> set[str]:
    known = {viewer for viewer in viewers if viewer.startswith(("a", *NAMED))}
    return pseudonyms(event, known) if event.attendance_pseudonyms else known


def pseudonyms(event: Event, viewers: Iterable[str]) -> set[str]:
    """`viewers` with a pseudonym in place of each person: the same one in each airing of the event, another in another event."""
    key = _key(event)
    return {_pseudonym(key, viewer) if viewer.startswith(NAMED) else viewer for viewer in viewers}


def _key(event: Event) -> bytes:
    return salted_hmac("amphi.audience.attendance", str(event.pk), algorithm="sha256").digest()


def _pseudonym(key: bytes, viewer: str) -> str:
    return PSEUDONYM + hmac.digest(key, viewer.encode(), "sha256").hex()[:16]


def set_pseudonyms(event: Event, *, wanted: bool) -> None:
    """Keep the attendance of `event` under pseudonyms from now on, that of before too, or under names."""
    with transaction.atomic():
        Event.objects.filter(pk=event.pk).update(attendance_pseudonyms=wanted)
        event.attendance_pseudonyms = wanted
        if wanted:
            _hide_names(event)


def _hide_names(event: Event) -> None:
    key = _key(event)
    people = Q(viewer__startswith=NAMED[0]) | Q(viewer__startswith=NAMED[1])
    rows = list(Presence.objects.filter(people, airing__event=event).select_for_update(of=("self",)))
    hidden = set(
        Presence.objects.filter(viewer__startswith=PSEUDONYM, airing__event=event).values_list(
            "airing", "viewer"
        )
    )
    for row in rows:
        row.viewer = _pseudonym(key, row.viewer)
    # Somebody has a row of each kind where this changed during the live: the one with the name goes.
    twice = [row for row in rows if (row.airing_id, row.viewer) in hidden]
    Presence.objects.filter(pk__in=[row.pk for row in twice]).delete()
    kept = [row for row in rows if (row.airing_id, row.viewer) not in hidden]
    Presence.objects.bulk_update(kept, ["viewer"], batch_size=1000)


def was_there(event: Event, viewer: str) -> bool:
    """Whether somebody, as tickets name them, listened to a live of `event`, as far as that is still kept."""
    keys = {viewer} | pseudonyms(event, [viewer])
    return Presence.objects.filter(airing__event=event, viewer__in=keys).exists()


def minutes_of(airings: Iterable[Airing], viewers: Collection[str]) -> dict[str, int]:
    """For each of `viewers` who listened to some of `airings` under their own name: how many minutes."""
    rows = Presence.objects.filter(airing__in=airings, viewer__in=viewers)
    return dict(rows.values("viewer").annotate(sum=Sum("minutes")).values_list("viewer", "sum"))


# --- forgetting


def forget(now: datetime) -> int:
    """Remove the rows that are kept no longer; how many viewers there were stays known. The number of rows."""
    ended = Q(ended_at__lt=now - ANONYMOUS_KEPT) | Q(began_at__lt=now - ANONYMOUS_KEPT, ended_at=None)
    anonymous = Presence.objects.filter(viewer__startswith="a", airing__in=Airing.objects.filter(ended))
    kept_since = now - timedelta(days=settings.ATTENDANCE_DAYS)
    old = Presence.objects.filter(airing__in=Airing.objects.filter(began_at__lt=kept_since))
    return _forget(anonymous) + _forget(old)


def _forget(rows: QuerySet[Presence]) -> int:
    removed = 0
    for airing_id in rows.values_list("airing", flat=True).distinct():
        of_airing = rows.filter(airing=airing_id)
        while gone := _forget_some(airing_id, of_airing):
            removed += gone
    return removed


def _forget_some(airing_id: int, rows: QuerySet[Presence]) -> int:
    with transaction.atomic():
        gone = Presence.objects.filter(pk__in=rows.values("pk")[:MOST_AT_ONCE]).delete()[0]
        Airing.objects.filter(pk=airing_id).update(forgotten=F("forgotten") + gone)
    return gone
