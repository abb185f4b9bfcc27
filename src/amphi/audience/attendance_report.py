"""What presenters are told of who listened to an airing: the curve, the figures, minutes by person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.attendance import PSEUDONYM
from amphi.audience.models import Airing, Event, Presence, Registration
from amphi.system import spreadsheets

LONGEST_CURVE = 1440
"""Minutes: of an airing that lasted longer, the first day."""


class Point(NamedTuple):
    """How many listened in one minute."""

    at: datetime
    listeners: int


@dataclass(frozen=True, slots=True)
class Figures:
    """An airing in numbers.

    Attributes:
        curve: each minute from the first to the last that somebody listened in.
        peak: the minute with the most listeners, the first of them; None where nobody listened.
        viewers: how many different ones there were.
        anonymous: how many of them are without a name.
        average_minutes: how long those of whom it is known listened; None where it is known of nobody.
    """

    curve: Sequence[Point]
    peak: Point | None
    viewers: int
    anonymous: int
    average_minutes: float | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name, or a pseudonym, in an airing."""

    name: str
    account: str
    address: str
    minutes: int
    came_at: datetime
    left_at: datetime


def airings_of(event: Event) -> QuerySet[Airing]:
    """Those of an event in which somebody listened, the last one first."""
    return event.airings.filter(minutes__isnull=False).distinct()


def figures(airing: Airing) -> Figures:
    """An airing in numbers."""
    curve = _curve(airing)
    kept = airing.presences.aggregate(viewers=Count("pk"), minutes=Sum("minutes"))
    anonymous = airing.presences.filter(viewer__startswith="a").count()
    return Figures(
        curve=curve,
        peak=max(curve, key=lambda point: point.listeners, default=None),
        viewers=kept["viewers"] + airing.forgotten,
        anonymous=anonymous + airing.forgotten,
        average_minutes=kept["minutes"] / kept["viewers"] if kept["viewers"] else None,
    )


def _curve(airing: Airing) -> list[Point]:
    known = dict(airing.minutes.values_list("minute", "listeners"))
    if not known:
        return []
    first = min(known)
    minutes = range(first, min(max(known), first + LONGEST_CURVE - 1) + 1)
    return [Point(_time(minute), known.get(minute, 0)) for minute in minutes]


def _time(minute: int) -> datetime:
    return datetime.fromtimestamp(60 * minute, UTC)


def people(airing: Airing) -> QuerySet[Presence]:
    """Who has a name or a pseudonym, those who stayed longest first; `named` says what it is."""
    return airing.presences.exclude(viewer__startswith="a").order_by("-minutes", "first_minute", "viewer")


def named(rows: Sequence[Presence]) -> list[Person]:
    """The people of some rows."""
    users = User.objects.in_bulk(_numbers(rows, "u"))
    registered = Registration.objects.in_bulk(_numbers(rows, "r"))
    return [
        Person(
            *_who(row.viewer, users, registered),
            minutes=row.minutes,
            came_at=_time(row.first_minute),
            left_at=_time(row.last_minute) + timedelta(minutes=1),
        )
        for row in rows
    ]


def _numbers(rows: Sequence[Presence], kind: str) -> list[int]:
    return [int(row.viewer[1:]) for row in rows if row.viewer.startswith(kind)]


def _who(viewer: str, users: dict[int, User], registered: dict[int, Registration]) -> tuple[str, str, str]:
    """Name, account and address."""
    if viewer.startswith(PSEUDONYM):
        return _("Listener %(pseudonym)s") % {"pseudonym": viewer[1:9]}, "", ""
    if viewer.startswith("u"):
        user = users.get(int(viewer[1:]))
        return (str(user), user.get_username(), user.email) if user else (_("Deleted account"), "", "")
    row = registered.get(int(viewer[1:]))
    return (row.name, "", row.address) if row else (_("Deleted registration"), "", "")


# --- for spreadsheets


def people_csv(airing: Airing) -> str:
    """Minutes by person."""
    header = [_("Name"), _("Account"), _("Mail"), _("Minutes"), _("Came at"), _("Left at")]
    rows = named(list(people(airing)))
    return spreadsheets.as_csv(
        header,
        (
            [one.name, one.account, one.address, str(one.minutes), _local(one.came_at), _local(one.left_at)]
            for one in rows
        ),
    )


def curve_csv(airing: Airing) -> str:
    """Listeners by minute."""
    points = _curve(airing)
    return spreadsheets.as_csv(
        [_("Time"), _("Listeners")], ([_local(point.at), str(point.listeners)] for point in points)
    )


def _local(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")
