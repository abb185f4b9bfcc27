"""From what the API takes to what the domain saves, and back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import AccessGroup, User
from amphi.accounts.people import named
from amphi.api.problems import Problem, invalid
from amphi.api.schemas import Common, MeetingChange
from amphi.audience import queries
from amphi.meetings.domain import OPTIONS, RECURRENCE, MeetingFields, fields_of
from amphi.meetings.models import Meeting, validate_name
from amphi.webinars import saving
from amphi.webinars.exceptions import NoGatewayError
from amphi.webinars.invitations import presenters_url
from amphi.webinars.models import Livestream
from amphi.webinars.offers import offer
from amphi.webinars.planning import NoGatewayFree
from amphi.webinars.saving import SavedMeeting

ACTIONS = ("start", "stop", "restart", "open", "end")


def new_fields(given: Common, *, is_webinar: bool) -> MeetingFields:
    """The fields of a new meeting or webinar."""
    plain = MeetingFields(
        name="", start_at=timezone.now(), duration=timedelta(hours=1), is_webinar=is_webinar
    )
    return _checked(plain, given, moved=True)


def changed_fields(meeting: Meeting, given: Common) -> MeetingFields:
    """The fields of a meeting once it is changed."""
    before = fields_of(meeting)
    moved = given.start_at is not None and given.start_at != before.start_at
    return _checked(before, given, moved=moved)


def _checked(before: MeetingFields, given: Common, *, moved: bool) -> MeetingFields:
    said = given.model_dump(exclude_unset=True)
    nulls = [name for name, value in said.items() if value is None and name not in RECURRENCE]
    if nulls:
        raise invalid(**{name: _("This value is missing.") for name in nulls})
    _check_offered(said)
    changes: dict[str, Any] = {
        name: said[name] for name in ("name", "description", "start_at") if name in said
    }
    changes |= {name: said[name] for name in (*OPTIONS, "is_restricted", "enable_chat") if name in said}
    if "duration_minutes" in said:
        changes["duration"] = timedelta(minutes=said["duration_minutes"])
    if "additional_owners" in said:
        changes["additional_owners"] = _people(said["additional_owners"])
    if "access_groups" in said:
        changes["access_groups"] = _groups(said["access_groups"])
    if isinstance(given, MeetingChange):
        changes |= _recurrence(before, said)
    fields = replace(before, **changes)
    _check(fields, moved=moved)
    return fields


def _check_offered(said: dict[str, Any]) -> None:
    if said.get("is_recorded") and settings.MEETING_DISABLE_RECORD:
        raise invalid(is_recorded=_("Recording is switched off on this platform."))
    if "enable_chat" in said and "enable_chat" not in settings.MEETING_WEBINAR_FIELDS:
        raise invalid(enable_chat=_("This can’t be chosen on this platform."))


def _people(words: list[str]) -> list[User]:
    people, unknown = named(list(dict.fromkeys(words)))
    if unknown:
        raise invalid(
            additional_owners=_("No account found for: %(names)s.") % {"names": ", ".join(unknown[:10])}
        )
    return people


def _groups(codes: list[str]) -> list[AccessGroup]:
    found = list(AccessGroup.objects.filter(code_name__in=codes))
    unknown = set(codes) - {group.code_name for group in found}
    if unknown:
        raise invalid(
            access_groups=_("No group has the code: %(names)s.") % {"names": ", ".join(sorted(unknown)[:10])}
        )
    return found


def _recurrence(before: MeetingFields, said: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {name: said[name] for name in RECURRENCE if name in said}
    if "recurrence_days" in changes:
        days = sorted(set(changes["recurrence_days"] or []))
        changes["recurrence_days"] = ",".join(str(day) for day in days)
    if changes.get("recurrence", before.recurrence) in {"", None}:
        return {"recurrence": "", "recurrence_days": "", "recurrence_until": None, "recurrence_times": None}
    until = changes.get("recurrence_until", before.recurrence_until)
    times = changes.get("recurrence_times", before.recurrence_times)
    if (until is None) == (times is None):
        raise invalid(recurrence_until=_("Choose an end date or a number of sessions, not both."))
    return changes


def _check(fields: MeetingFields, *, moved: bool) -> None:
    try:
        validate_name(fields.name)
    except ValidationError as error:
        raise invalid(name=" ".join(error.messages)) from None
    if fields.recurrence:
        first = timezone.localtime(fields.start_at).date()
        if fields.recurrence_until is not None and fields.recurrence_until < first:
            raise invalid(recurrence_until=_("This date is before the first session."))
    elif moved and fields.start_at.astimezone(UTC) + fields.duration <= timezone.now():
        raise invalid(start_at=_("This time is in the past. Choose a later one."))


def create(user: User, fields: MeetingFields) -> Meeting:
    """Make a meeting or webinar, or nothing at all.

    Raises:
        Problem: no gateway is free; it says when one is.
    """
    with transaction.atomic():
        return _whole(saving.create_meeting(user=user, fields=fields))


def update(meeting: Meeting, user: User, fields: MeetingFields) -> Meeting:
    """Change a meeting or webinar, or nothing at all.

    Raises:
        Problem: no gateway is free; it says when one is.
        MeetingError: it can't be changed so.
    """
    try:
        with transaction.atomic():
            return _whole(saving.update_meeting(meeting, user=user, fields=fields))
    except NoGatewayError as error:
        raise _no_gateway(error.conflict) from None


def _whole(saved: SavedMeeting) -> Meeting:
    if saved.conflict is not None:
        raise _no_gateway(saved.conflict)
    return saved.meeting


def _no_gateway(conflict: NoGatewayFree) -> Problem:
    detail = _("No live gateway is free at this time.")
    return Problem(409, "no_gateway", detail, nearest=[start.isoformat() for start in conflict.nearest])


# --- what is given


def _names(people: Iterable[User]) -> list[str]:
    return [person.get_username() for person in people]


def meeting_out(meeting: Meeting) -> dict[str, Any]:
    """A meeting for the answer."""
    return {
        "slug": meeting.slug,
        "url": settings.AMPHI_URL + meeting.get_absolute_url(),
        "owner": meeting.owner.get_username(),
        "additional_owners": _names(meeting.additional_owners.all()),
        "access_groups": [group.code_name for group in meeting.access_groups.all()],
        "duration_minutes": max(1, round(meeting.duration.total_seconds() / 60)),
        "recurrence_days": [int(day) for day in meeting.recurrence_days.split(",") if day],
        "has_slides": bool(meeting.slides),
        **{
            name: getattr(meeting, name)
            for name in (
                *("name", "description", "start_at", "is_personal", "is_restricted", "is_open"),
                *("started_at", "ended_at", "recurrence", "recurrence_until", "recurrence_times"),
                *OPTIONS,
            )
        },
    }


def webinar_out(livestream: Livestream, listeners: int | None = None) -> dict[str, Any]:
    """A webinar for the answer."""
    meeting, event = livestream.meeting, livestream.event
    meeting.livestream = livestream
    can = offer(meeting)
    return {
        **meeting_out(meeting),
        "enable_chat": meeting.enable_chat,
        "event": event.slug,
        "event_url": settings.AMPHI_URL + event.get_absolute_url(),
        "presenters_url": presenters_url(meeting),
        "live": {
            "state": livestream.state,
            "since": livestream.state_since,
            "is_backstage": livestream.is_backstage,
            "went_live_at": livestream.went_live_at,
            "error": livestream.last_error,
            "gateway": str(livestream.gateway),
            "listeners": queries.viewers(event.pk) if listeners is None else listeners,
            "participants": livestream.participants,
            "can": [name for name in ACTIONS if getattr(can, name)],
        },
    }


def seen_again(livestream: Livestream) -> Livestream:
    """A webinar as it is now."""
    rows = Livestream.objects.select_related(
        "event", "meeting__owner", "meeting__site", "gateway__broadcaster"
    )
    return rows.get(pk=livestream.pk)


def is_during(rows: Any, column: str, after: datetime | None, before: datetime | None) -> Any:
    """The rows whose `column` is in [after, before)."""
    if after is not None:
        rows = rows.filter(**{f"{column}__gte": after})
    return rows if before is None else rows.filter(**{f"{column}__lt": before})
