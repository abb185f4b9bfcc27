"""Attendance: who came to each session, written from BBB's webhooks."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings.models import Attendance, Meeting, Session
from amphi.system import spreadsheets

_OUR_USER = re.compile(r"amphi-([1-9]\d{0,17})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Somebody who joined, as BBB reports it.

    Attributes:
        session_id: BBB's internal meeting id.
        user_id: BBB's internal user id, valid in this session.
        external_id: the user id in the join address: ours, for somebody with an account.
    """

    session_id: str
    user_id: str
    external_id: str
    name: str
    is_moderator: bool
    at: datetime


def joined(meeting: Meeting, coming: Coming) -> None:
    """Note that somebody came; a repeated report changes nothing."""
    if not coming.session_id or not coming.user_id:
        return
    session, _made = Session.objects.get_or_create(
        meeting=meeting, internal_id=coming.session_id[:256], defaults={"started_at": coming.at}
    )
    found = _OUR_USER.fullmatch(coming.external_id)
    Attendance.objects.get_or_create(
        session=session,
        user_id_in_bbb=coming.user_id[:100],
        joined_at=coming.at,
        defaults={
            "name": coming.name[:255],
            "user": User.objects.filter(pk=int(found[1])).first() if found else None,
            "is_moderator": coming.is_moderator,
        },
    )


def has_come(meeting: Meeting, *, user_id: str) -> bool:
    """Whether BBB reported that `user_id` joined."""
    return Attendance.objects.filter(session__meeting=meeting, user_id_in_bbb=user_id[:100]).exists()


def left(meeting: Meeting, *, session_id: str, user_id: str, at: datetime) -> None:
    """Note that somebody left."""
    Attendance.objects.filter(
        session__meeting=meeting,
        session__internal_id=session_id,
        user_id_in_bbb=user_id[:100],
        left_at=None,
        joined_at__lte=at,
    ).update(left_at=at)


def ended(meeting: Meeting, *, session_id: str, at: datetime) -> None:
    """Note that a session ended, and with it the presence of all who were still there."""
    sessions = Session.objects.filter(meeting=meeting, internal_id=session_id)
    sessions.filter(ended_at=None).update(ended_at=at)
    Attendance.objects.filter(session__in=sessions, left_at=None).update(left_at=at)


def as_csv(session: Session) -> str:
    """The session as CSV for spreadsheets, with local times."""
    head = [_("Name"), _("Account"), _("Mail"), _("Moderator"), _("Came at"), _("Left at"), _("Minutes")]
    rows = (
        [
            one.name,
            one.user.get_username() if one.user else "",
            one.user.email if one.user else "",
            _("yes") if one.is_moderator else _("no"),
            _time(one.joined_at),
            _time(one.left_at),
            str(round((one.left_at - one.joined_at).total_seconds() / 60)) if one.left_at else "",
        ]
        for one in session.attendances.select_related("user")
    )
    return spreadsheets.as_csv(head, rows)


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""
