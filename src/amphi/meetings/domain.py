"""Saving meetings, their occurrences and personal rooms."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import AccessGroup, User
from amphi.accounts.rights import can_create_webinar
from amphi.meetings import slides
from amphi.meetings.models import GuestPolicy, Meeting, Occurrence, new_slug, shortened
from amphi.meetings.recurrence import Rule, occurrences

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


@dataclass(frozen=True, kw_only=True)
class MeetingFields:
    """What a person decides about a meeting."""

    name: str
    start_at: datetime
    duration: timedelta
    description: str = ""
    is_webinar: bool = False
    enable_chat: bool = True
    is_restricted: bool = False
    access_groups: list[AccessGroup] = field(default_factory=list)
    additional_owners: list[User] = field(default_factory=list)
    recurrence: str = ""
    recurrence_days: str = ""
    recurrence_until: date | None = None
    recurrence_times: int | None = None
    password: str = ""
    guest_policy: str = GuestPolicy.ALWAYS_ACCEPT
    is_recorded: bool = False
    lock_cam: bool = False
    lock_mic: bool = False
    lock_public_chat: bool = False
    lock_private_chat: bool = False
    lock_notes: bool = False
    hide_user_list: bool = False
    new_slides: "UploadedFile[Any] | None" = None
    remove_slides: bool = False


OPTIONS = (
    "password",
    "guest_policy",
    "is_recorded",
    "lock_cam",
    "lock_mic",
    "lock_public_chat",
    "lock_private_chat",
    "lock_notes",
    "hide_user_list",
)
RECURRENCE = ("recurrence", "recurrence_days", "recurrence_until", "recurrence_times")
_IN_CALENDARS = ("name", "description", "start_at", "duration", *RECURRENCE)
_PLAIN = (*_IN_CALENDARS, "is_restricted", *OPTIONS)


def fields_of(meeting: Meeting) -> MeetingFields:
    """The fields of `meeting` as they are saved."""
    return MeetingFields(
        is_webinar=meeting.is_webinar,
        enable_chat=meeting.enable_chat,
        access_groups=list(meeting.access_groups.all()),
        additional_owners=list(meeting.additional_owners.all()),
        **{name: getattr(meeting, name) for name in _PLAIN},
    )


def write(meeting: Meeting, fields: MeetingFields, *, user: User) -> Meeting:
    """Save `fields` into `meeting`, in the caller's transaction. `webinars.saving` then brings its live in step.

    Args:
        meeting: the locked row, or a new one with its owner.
        fields: the new values.
        user: who changes them; `is_webinar` is changed only for somebody who may make webinars.
    """
    is_new = meeting.pk is None
    if not is_new and any(getattr(meeting, name) != getattr(fields, name) for name in _IN_CALENDARS):
        meeting.calendar_sequence += 1
    for name in _PLAIN:
        setattr(meeting, name, getattr(fields, name))
    slides.keep(meeting, fields.new_slides, remove=fields.remove_slides)
    if can_create_webinar(user):
        meeting.is_webinar = fields.is_webinar and not meeting.is_personal
        meeting.enable_chat = fields.enable_chat
    if meeting.is_webinar or meeting.is_personal:
        meeting.recurrence, meeting.recurrence_days = "", ""
        meeting.recurrence_until = meeting.recurrence_times = None
    meeting.save()
    if is_new:
        meeting.slug = new_slug(meeting.pk, meeting.name)
        meeting.save(update_fields=["slug"])
    meeting.access_groups.set(fields.access_groups if fields.is_restricted else [])
    meeting.additional_owners.set([owner for owner in fields.additional_owners if owner != meeting.owner])
    _write_occurrences(meeting)
    return meeting


def rule_of(meeting: Meeting) -> Rule | None:
    """The recurrence of `meeting`; None when it takes place once."""
    if not meeting.recurrence:
        return None
    days = frozenset(int(day) for day in meeting.recurrence_days.split(",") if day)
    return Rule(meeting.recurrence, days, meeting.recurrence_until, meeting.recurrence_times)


def _write_occurrences(meeting: Meeting) -> None:
    meeting.occurrences.all().delete()
    rule = rule_of(meeting)
    if rule is not None:
        starts = occurrences(meeting.start_at, rule, ZoneInfo(timezone.get_default_timezone_name()))
        Occurrence.objects.bulk_create(
            # In UTC: Python adds to local times as if clocks never changed.
            Occurrence(meeting=meeting, start_at=start, end_at=start.astimezone(UTC) + meeting.duration)
            for start in starts
        )


def personal_room(user: User) -> Meeting:
    """The permanent room of `user`, made on first use. It is never a webinar and has no end.

    Its link stays the same for years and is passed on, so the owner admits everybody who has no account.
    """
    found = Meeting.objects.filter(owner=user, is_personal=True).first()
    if found is not None:
        return found
    fields = MeetingFields(
        name=shortened(_("Room of %(name)s") % {"name": user}),
        start_at=timezone.now(),
        duration=timedelta(hours=2),
        guest_policy=GuestPolicy.ASK_MODERATOR,
    )
    try:
        with transaction.atomic():
            return write(Meeting(owner=user, is_personal=True), fields, user=user)
    except IntegrityError:  # another request made it at the same moment
        return Meeting.objects.get(owner=user, is_personal=True)
