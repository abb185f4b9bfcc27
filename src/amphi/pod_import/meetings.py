"""Meetings to come, webinars among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dateutil import rrule
from django.conf import settings
from django.contrib.sites.models import Site
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.accounts.rights import can_create_webinar
from amphi.audience.models import Event
from amphi.meetings.domain import MeetingFields, fields_of
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import GuestPolicy, Meeting, shortened
from amphi.meetings.recurrence import DAILY, MONTHLY, WEEKLY, YEARLY
from amphi.pod_import.dump import MeetingRow
from amphi.pod_import.ledger import LeftOutError, Report
from amphi.system.terminal import say
from amphi.webinars import planning, saving

ENDLESS = timedelta(days=365)
"""How long a meeting without an end recurs here, where each has one."""
SHORTEST = timedelta(minutes=5)
_FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    DAILY: rrule.DAILY,
    WEEKLY: rrule.WEEKLY,
    MONTHLY: rrule.MONTHLY,
    YEARLY: rrule.YEARLY,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """When a meeting takes place from now on, and what Amphi can't say of it."""

    start_at: datetime
    recurrence: dict[str, Any]
    remark: str = ""


def next_session(row: MeetingRow, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The start of the session that runs or comes next; None when all are over."""
    if row.recurrence not in _FREQUENCIES:
        return row.start_at if row.start_at + row.duration > now else None
    first = row.start_at.astimezone(zone).replace(tzinfo=None)
    days: Any = None
    if row.recurrence == WEEKLY:
        days = sorted({int(day) for day in row.weekdays} | {first.weekday()})
    elif row.recurrence == MONTHLY and row.on_nth_day:
        days = rrule.weekday(first.weekday())((first.day - 1) // 7 + 1)
    sessions = rrule.rrule(
        _FREQUENCIES[row.recurrence],
        dtstart=first,
        interval=row.frequency or 1,
        byweekday=days,
        until=datetime.combine(row.until, time.max) if row.until else None,
    )
    found = sessions.after(now.astimezone(zone).replace(tzinfo=None) - row.duration)
    return found.replace(tzinfo=zone) if found else None


def plan(row: MeetingRow, start_at: datetime, zone: ZoneInfo) -> Plan:
    """How a meeting goes on here from `start_at`; what recurs in a way that Amphi has not, takes place once."""
    if row.recurrence not in _FREQUENCIES:
        return Plan(start_at, {})
    if row.frequency > 1 or (row.recurrence == MONTHLY and row.on_nth_day):
        return Plan(
            start_at,
            {},
            say(
                en="recurs in a way that Amphi does not have: only the next session came, make the others as copies",
                fr="a une périodicité qu’Amphi n’a pas\u00a0: seule la prochaine séance est importée, dupliquez-la pour les autres",
            ),
        )
    recurrence = {
        "recurrence": row.recurrence,
        "recurrence_days": ",".join(sorted(set(row.weekdays))) if row.recurrence == WEEKLY else "",
        "recurrence_until": row.until or (start_at.astimezone(zone) + ENDLESS).date(),
    }
    remark = say(
        en="has no end in Pod: it ends in a year here",
        fr="n’a pas de fin dans Pod\u00a0: elle finit dans un an ici",
    )
    return Plan(start_at, recurrence, "" if row.until else remark)


_COMPARED = tuple(
    one.name
    for one in dataclass_fields(MeetingFields)
    if one.name not in {"access_groups", "additional_owners", "new_slides", "remove_slides"}
)


class Meetings:
    """Meetings.

    Args:
        report: where to say what is left to do.
        people: those who came, by their number in Pod.
        now: meetings that are over do not come.
    """

    name = "meeting"
    model = Meeting

    def __init__(self, report: Report, people: Mapping[int, User], now: datetime) -> None:
        self._report, self._people, self._now = report, people, now
        self._zone = ZoneInfo(timezone.get_default_timezone_name())

    def label(self, row: MeetingRow) -> str:
        return row.name

    def known(self, _row: MeetingRow) -> Meeting | None:
        return None

    def make(self, row: MeetingRow) -> Meeting:
        owner = self._owner(row)
        fields = self._fields(row, owner)
        made = saving.create_meeting(user=owner, fields=fields).meeting
        if row.is_draft:
            Event.objects.filter(livestream__meeting=made).update(is_draft=True)
        if row.has_slides:
            self._say(row, say(en="upload its slides again", fr="ajoutez de nouveau son diaporama"))
        return made

    def change(self, found: Meeting, row: MeetingRow) -> None:
        owner = self._owner(row)
        if owner != found.owner:
            raise LeftOutError(
                say(en="has another owner in Pod now", fr="a un autre propriétaire dans Pod maintenant")
            )
        try:
            saving.update_meeting(found, user=owner, fields=self._fields(row, owner, before=found))
        except MeetingError as error:
            raise LeftOutError(str(error)) from None
        found.refresh_from_db()

    def current(self, found: Meeting) -> dict[str, Any]:
        fields = fields_of(found)
        values: dict[str, Any] = {name: getattr(fields, name) for name in _COMPARED}
        values["start_at"] = found.start_at.timestamp()
        values["access_groups"] = sorted(group.code_name for group in fields.access_groups)
        values["additional_owners"] = sorted(user.pk for user in fields.additional_owners)
        return values | {"owner": found.owner_id}

    def _owner(self, row: MeetingRow) -> User:
        owner = self._people.get(row.owner)
        if owner is None:
            raise LeftOutError(say(en="its owner did not come", fr="son propriétaire n’a pas été importé"))
        return owner

    def _fields(self, row: MeetingRow, owner: User, before: Meeting | None = None) -> MeetingFields:
        start_at = next_session(row, self._now, self._zone)
        if start_at is None:
            raise LeftOutError(say(en="is over now", fr="est maintenant passée"))
        planned = plan(row, start_at, self._zone)
        if planned.remark:
            self._say(row, planned.remark)
        is_webinar = row.is_webinar and self._can_be_webinar(row, owner, planned.start_at, before)
        cam, mic, public_chat, private_chat, notes = row.locks
        accepted = {*GuestPolicy.values} & {row.guest_policy}
        return MeetingFields(
            name=self._name(row),
            start_at=planned.start_at,
            duration=max(row.duration, SHORTEST),
            description=row.description,
            is_webinar=is_webinar,
            enable_chat=row.enable_chat,
            is_restricted=row.is_restricted,
            access_groups=list(AccessGroup.objects.filter(code_name__in=row.access_groups)),
            additional_owners=[self._people[pk] for pk in row.additional_owners if pk in self._people],
            password=row.password[:64],
            guest_policy=(row.guest_policy if accepted and not row.is_webinar else GuestPolicy.ALWAYS_ACCEPT),
            is_recorded=row.record and not settings.MEETING_DISABLE_RECORD,
            lock_cam=cam,
            lock_mic=mic,
            lock_public_chat=public_chat,
            lock_private_chat=private_chat,
            lock_notes=notes,
            **planned.recurrence,
        )

    def _name(self, row: MeetingRow) -> str:
        name = shortened(row.name.strip())
        return name if len(name) > 1 else say(en="Meeting", fr="Réunion")

    def _can_be_webinar(
        self, row: MeetingRow, owner: User, start_at: datetime, before: Meeting | None
    ) -> bool:
        if not can_create_webinar(owner):
            self._say(
                row,
                say(
                    en="came as a meeting: its owner may not make webinars here",
                    fr="importée comme réunion\u00a0: son propriétaire ne peut pas créer de webinaire ici",
                ),
            )
            return False
        gateways = planning.lock_gateways(Site.objects.get(pk=settings.SITE_ID))
        mine = None if before is None else planning.lock_livestream(before)
        end_at = start_at + max(row.duration, SHORTEST)
        if mine is None and planning.free_gateway(gateways, start_at, end_at) is None:
            self._say(
                row,
                say(
                    en="came as a meeting: no live gateway is free at that time",
                    fr="importée comme réunion\u00a0: aucune passerelle de live n’est libre à cet horaire",
                ),
            )
            return False
        return True

    def _say(self, row: MeetingRow, said: str) -> None:
        self._report.remark(self.name, row.name, said)
