"""Notes for moderators about the running meeting: raised hands, polls, and messages that do not reach it.

Screen readers announce changes of a note's text. They do not announce its count, since a number that grows with each answer would
interrupt everything else. A note without a text is not shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.audience import hands, questions
from amphi.audience.models import HandState, Message
from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording
from amphi.webinars import participation
from amphi.webinars.models import Livestream, State

NAMES_SHOWN = 8
FAILED_SHOWN = 5
LONGEST_TEXT = 200
WAITS_LONG = timedelta(seconds=5)
"""Messages that wait for less than this are not mentioned."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        key: its id on the page.
        icon: a name of Bootstrap Icons.
        text: the sentence; empty to hide the note.
        count: a number, as text, beside the sentence.
        items: the messages it is about, as ``{"id", "by", "text", "reason"}``.
    """

    key: str
    icon: str
    text: str = ""
    count: str = ""
    items: list[dict[str, str]] = field(default_factory=list)


def notes(meeting: Meeting, livestream: Livestream) -> list[Note]:
    """All notes, always the same ones in the same order, including hidden ones."""
    return [
        _hands(meeting, livestream),
        _listeners(livestream),
        _poll(meeting, livestream),
        *_messages(livestream),
        _no_webhooks(meeting, livestream),
        _standby(livestream),
    ]


def desk_notes(meeting: Meeting, livestream: Livestream) -> list[Note]:
    """Those that presenters and moderators see beside what listeners ask, and to whom they need not be counted."""
    return [_hands(meeting, livestream), *_messages(livestream), _no_webhooks(meeting, livestream)]


def _standby(livestream: Livestream) -> Note:
    """How a second gateway is, where the live gateway has one."""
    job = (
        livestream.standby_jobs.filter(gateway=livestream.gateway_id).first()
        if livestream.is_running
        else None
    )
    if job is None or livestream.state == State.STOPPING:
        return Note("standby", "shield-check")
    if job.state == "on_air":
        text = _("A second gateway is ready to take over.")
    elif job.last_error == "gateway_full":
        text = _("No second gateway is free. The live goes on with one.")
    elif job.last_error:
        text = _("The second gateway is not available at the moment. The live goes on with one.")
    else:
        text = _("A second gateway is joining the meeting.")
    return Note("standby", "shield-check", text)


def _time(at: datetime) -> str:
    return date_format(timezone.localtime(at), "TIME_FORMAT")


def _hands(meeting: Meeting, livestream: Livestream) -> Note:
    names = participation.raised_hands(livestream) if _tells(meeting, livestream) else []
    text = _hands_text(names) if names else ""
    return Note("hands", "hand-index-thumb", text)


def _hands_text(names: Sequence[str]) -> str:
    known = [name for name in names if name][:NAMES_SHOWN]
    count, others = len(names), len(names) - len(known)
    if not known:
        return ngettext("%(count)s hand raised", "%(count)s hands raised", count) % {"count": count}
    listed = ", ".join(known)
    if others:
        listed = ngettext("%(names)s and %(count)s other", "%(names)s and %(count)s others", others) % {
            "names": listed,
            "count": others,
        }
    return ngettext("%(count)s hand raised: %(names)s", "%(count)s hands raised: %(names)s", count) % {
        "count": count,
        "names": listed,
    }


def _listeners(livestream: Livestream) -> Note:
    """Hands of listeners, and questions that wait for an answer."""
    if not livestream.is_running:
        return Note("listeners", "megaphone")
    up = hands.up(livestream.event_id, timezone.now()).filter(state=HandState.RAISED).count()
    asked = questions.to_be_answered(livestream.event_id)
    if not up and not asked:
        return Note("listeners", "megaphone")
    text = _("Listeners have questions.")
    if up:
        text = ngettext("%(count)s listener raises a hand.", "%(count)s listeners raise a hand.", up) % {
            "count": up
        }
    count = ""
    if asked:
        count = ngettext("%(count)s open question", "%(count)s open questions", asked) % {"count": asked}
    return Note("listeners", "megaphone", text, count)


def _poll(meeting: Meeting, livestream: Livestream) -> Note:
    poll = participation.last_poll(livestream) if _tells(meeting, livestream) else None
    if poll is None:
        return Note("poll", "bar-chart")
    values = {"time": _time(poll.started_at), "question": Truncator(poll.question).chars(LONGEST_TEXT)}
    text = (
        _("Poll opened at %(time)s: “%(question)s”") if poll.question else _("Poll opened at %(time)s")
    ) % values
    count = ""
    if poll.responses:
        count = ngettext("%(count)s answer", "%(count)s answers", poll.responses) % {"count": poll.responses}
    return Note("poll", "bar-chart", text, count)


def _tells(meeting: Meeting, livestream: Livestream) -> bool:
    """Whether the meeting runs, and its server reports events."""
    return meeting.is_open and bool(livestream.has_hook)


def _no_webhooks(meeting: Meeting, livestream: Livestream) -> Note:
    text = ""
    if meeting.is_open and livestream.has_hook is False:
        text = _(
            "The meeting server has no webhooks. Raised hands and polls are not shown here, and messages in the meeting’s chat"
            " do not reach the listeners."
        )
    return Note("webhooks", "info-circle", text)


def _messages(livestream: Livestream) -> tuple[Note, Note]:
    """Listeners' messages since the start of the live that have not reached the meeting: those that wait, and those that failed."""
    waits = Q(delivery=Message.Delivery.WAITING)
    fails = Q(delivery=Message.Delivery.FAILED)
    undelivered = Message.objects.filter(
        event_id=livestream.event_id,
        delivery__in=[Message.Delivery.WAITING, Message.Delivery.FAILED],
    )
    if livestream.start_asked_at is not None:
        undelivered = undelivered.filter(created_at__gte=livestream.start_asked_at)
    found: dict[str, Any] = undelivered.aggregate(
        waiting=Count("pk", filter=waits),
        since=Min("created_at", filter=waits),
        failed=Count("pk", filter=fails),
    )
    waiting, failed = Note("waiting", "hourglass-split"), Note("failed", "exclamation-triangle")
    if found["waiting"]:
        waiting = _waiting(livestream, found["waiting"], found["since"])
    if found["failed"]:
        failed = _failed(found["failed"], undelivered.filter(fails).order_by("-created_at")[:FAILED_SHOWN])
    return waiting, failed


def _waiting(livestream: Livestream, count: int, since: datetime) -> Note:
    first = Message.objects.filter(
        event_id=livestream.event_id, delivery=Message.Delivery.WAITING, created_at=since
    ).first()
    now = timezone.now()
    code = first.delivery_error if first is not None else ""
    if not code and now < since + WAITS_LONG:
        return Note("waiting", "hourglass-split")
    if not code:
        goes_on = Message.objects.filter(
            event_id=livestream.event_id, sent_at__gt=now - 2 * WAITS_LONG
        ).exists()
        code = "chat_rate" if goes_on and count > settings.CHAT_DELIVERY_PER_SECOND else "chat_not_taken"
    text = _("Listeners’ messages have been waiting to be sent to the meeting since %(time)s. %(reason)s") % {
        "time": _time(since),
        "reason": wording.delivery_error(code),
    }
    number = ngettext("%(count)s message", "%(count)s messages", count) % {"count": count}
    return Note("waiting", "hourglass-split", text, number)


def _failed(count: int, latest: Iterable[Message]) -> Note:
    text = ngettext(
        "%(count)s message of listeners could not be sent to the meeting.",
        "%(count)s messages of listeners could not be sent to the meeting.",
        count,
    ) % {"count": count}
    items = [
        {
            "id": str(message.pk),
            "by": f"{message.author_name}, {_time(message.created_at)}",
            "text": Truncator(message.text).chars(LONGEST_TEXT),
            "reason": wording.delivery_error(message.delivery_error),
        }
        for message in latest
    ]
    return Note("failed", "exclamation-triangle", text, "", items)
