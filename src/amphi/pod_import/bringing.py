"""The whole import, in one transaction: for a trial it is carried out and taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.sites.models import Site
from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import User
from amphi.pod_import.dump import Dump, DumpError, MeetingRow
from amphi.pod_import.ledger import Ledger, Report
from amphi.pod_import.lives import Broadcasters, Gateways
from amphi.pod_import.meetings import Meetings, next_session
from amphi.pod_import.people import AccessGroups, People
from amphi.system.terminal import say
from amphi.webinars import planning

if TYPE_CHECKING:
    from amphi.audience.models import Broadcaster


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator wants.

    Attributes:
        source: which Pod it is, where several are brought here.
        site: the number of its site; None for the only one.
        all_users: everybody, and not only those who present.
        same_names: whether accounts of the same name are the same people.
        writes: whether to keep it; else it is a trial.
    """

    source: str = "pod"
    site: int | None = None
    all_users: bool = False
    same_names: bool = False
    writes: bool = False


def bring(dump: Dump, wish: Wish, now: datetime | None = None) -> Report:
    """Bring a dump here.

    Raises:
        DumpError: it has several sites, and none was chosen.
    """
    report = Report()
    with transaction.atomic():
        _bring(dump, wish, report, now or timezone.now())
        if not wish.writes:
            transaction.set_rollback(True)
    return report


def _bring(dump: Dump, wish: Wish, report: Report, now: datetime) -> None:
    # First of all locks, as everywhere.
    planning.lock_gateways(Site.objects.get(pk=settings.SITE_ID))
    site = _site(dump, wish)
    ledger = Ledger(wish.source, report)
    for pk, group in dump.access_groups().items():
        ledger.take(AccessGroups(), pk, group)
    meetings = _to_come(dump.meetings(site), report, now)
    people = _people(dump, wish, ledger, meetings)
    broadcasters: dict[int, Broadcaster] = {}
    kind = Broadcasters()
    for pk, broadcaster in dump.broadcasters().items():
        if (found := ledger.take(kind, pk, broadcaster)) is not None:
            broadcasters[pk] = found
    gateways = Gateways(broadcasters)
    for pk, gateway in dump.gateways(site).items():
        ledger.take(gateways, pk, gateway)
    bringer = Meetings(report, people, now)
    for pk, meeting in meetings.items():
        ledger.take(bringer, pk, meeting)
    report.counts["event", "left"] += dump.events_alone()


def _site(dump: Dump, wish: Wish) -> int:
    sites = dump.sites()
    if wish.site in sites:
        return int(wish.site or 0)
    if wish.site is None and len(sites) == 1:
        return next(iter(sites))
    names = ", ".join(f"{pk} ({name})" if name else str(pk) for pk, name in sites.items())
    raise DumpError(
        say(
            en=f"choose one of the sites that have meetings, by --site: {names}",
            fr=f"choisissez un des sites qui ont des réunions, par --site\u00a0: {names}",
        )
    )


def _to_come(meetings: dict[int, MeetingRow], report: Report, now: datetime) -> dict[int, MeetingRow]:
    """The meetings that are not over; personal rooms are made here when their owner wants one."""
    zone = ZoneInfo(timezone.get_default_timezone_name())
    rooms = [pk for pk, row in meetings.items() if row.is_personal]
    coming = {
        pk: row
        for pk, row in meetings.items()
        if not row.is_personal and next_session(row, now, zone) is not None
    }
    report.counts["room", "left"] += len(rooms)
    report.counts["past", "left"] += len(meetings) - len(rooms) - len(coming)
    return coming


def _people(dump: Dump, wish: Wish, ledger: Ledger, meetings: dict[int, MeetingRow]) -> dict[int, User]:
    wanted = {pk for row in meetings.values() for pk in (row.owner, *row.additional_owners)}
    kind = People(ledger.report, same_names=wish.same_names)
    people: dict[int, User] = {}
    for pk, row in dump.users().items():
        if (wish.all_users or pk in wanted) and (found := ledger.take(kind, pk, row)) is not None:
            people[pk] = found
    return people
