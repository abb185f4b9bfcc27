"""What goes on in a running meeting: how many are there, which hands are up, the last poll.

Webhooks tell of hands and polls, in any order, twice, late or never; who is there is read from the meeting server by the
supervisor. So a hand counts only in the session that the supervisor sees, and for somebody who is in it; what is told of another
session, or by a server that tells nothing, is not shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone

from amphi.audience import hands, polls
from amphi.bigbluebutton import webhooks
from amphi.meetings.models import Attendance, Meeting
from amphi.system.typed import clean_line
from amphi.webinars.models import Livestream, Poll, PollResponse, RaisedHand

COUNT_FRESH = timedelta(seconds=45)
"""The supervisor reads the count at least every 20 s; one that is older is no longer said."""
POLL_FRESH = timedelta(minutes=15)
"""How long after the last answer a poll is of interest: that it was closed is told by nothing."""


# --- what webhooks tell


def hand_changed(meeting: Meeting, hint: webhooks.HandRaised, at: datetime) -> None:
    """Note that a hand went up or down; what is older than what is known changes nothing."""
    livestream = Livestream.objects.filter(meeting=meeting).first()
    session_id, user_id = hint.internal_meeting_id[:256], hint.user_id[:100]
    if livestream is None or not session_id or not user_id:
        return
    hand = RaisedHand.objects.filter(livestream=livestream, session_id=session_id, user_id=user_id)
    if hint.is_emoji and not hint.raised:
        # Since 2.7 emojis and hands go their own ways: only what an emoji raised does an emoji lower.
        hand = hand.filter(is_emoji=True)
    change = {"is_raised": hint.raised, "changed_at": at, "written_at": timezone.now()}
    if hint.raised and hint.is_emoji:
        change["is_emoji"] = True
    known = hand.filter(changed_at__lte=at).update(**change) or hand.exists()
    if known or (hint.is_emoji and not hint.raised):
        return
    RaisedHand.objects.get_or_create(
        livestream=livestream,
        session_id=session_id,
        user_id=user_id,
        defaults={
            **change,
            "external_user_id": hint.external_user_id[:256],
            "name": _name(meeting, hint),
        },
    )


def _name(meeting: Meeting, hint: webhooks.HandRaised) -> str:
    """Whose hand it is: the event often leaves the name out, and what was told when they came has it."""
    name = (
        hint.name
        or Attendance.objects.filter(
            session__meeting=meeting,
            session__internal_id=hint.internal_meeting_id,
            user_id_in_bbb=hint.user_id[:100],
        )
        .values_list("name", flat=True)
        .last()
        or ""
    )
    return clean_line(name)[:255]


def person_left(meeting: Meeting, hint: webhooks.UserLeft, at: datetime) -> None:
    """Note that somebody went, and the hand with them."""
    RaisedHand.objects.filter(
        livestream__meeting=meeting,
        session_id=hint.internal_meeting_id,
        user_id=hint.user_id[:100],
        changed_at__lte=at,
    ).update(is_raised=False, changed_at=at, written_at=timezone.now())
    if hint.external_user_id.startswith(hands.ON_STAGE_PREFIX):
        token = hint.external_user_id.removeprefix(hands.ON_STAGE_PREFIX)
        for event_id in Livestream.objects.filter(meeting=meeting).values_list("event_id", flat=True):
            hands.left_stage(event_id, token)


def poll_started(meeting: Meeting, hint: webhooks.PollStarted, at: datetime) -> None:
    """Note a poll; being told twice, or after its first answers, is harmless."""
    poll = _poll(meeting, hint, at)
    if poll is not None:
        question = clean_line(hint.question)[:500]
        Poll.objects.filter(pk=poll.pk).update(question=question, started_at=min(at, poll.started_at))
        event_id, mirrored_as = poll.livestream.event_id, _mirrored_as(poll)
        if polls.mirror(event_id, mirrored_as, question=question, answers=hint.answers):
            for key in poll.responses.values_list("key", flat=True):
                polls.count_answer(event_id, mirrored_as, _answers_in(key))


def poll_responded(meeting: Meeting, hint: webhooks.PollResponded, at: datetime) -> None:
    """Note one answer to a poll; being told twice is harmless.

    BBB tells every answer in the name of its presenter, who is sent it, so that only the moment tells two answers apart:
    https://github.com/bigbluebutton/bigbluebutton, ``UserRespondedToPollRespMsg``.
    """
    poll = _poll(meeting, hint, at)
    if poll is not None:
        answers = ",".join(str(one) for one in hint.answer_ids)
        key = f"{hint.sent_at_ms}:{hint.user_id}:{answers}"[:200]
        _row, made = PollResponse.objects.get_or_create(poll=poll, key=key, defaults={"at": at})
        if made:
            polls.count_answer(poll.livestream.event_id, _mirrored_as(poll), hint.answer_ids)


def _answers_in(key: str) -> list[int]:
    """The numbers of the answers of a response that was told before its poll."""
    return [int(one) for one in key.rsplit(":", 1)[-1].split(",") if one.isdigit()]


def _mirrored_as(poll: Poll) -> str:
    """What the mirror of a poll is called: BBB's ids of polls begin anew with each session."""
    return f"{poll.session_id[:200]} {poll.poll_id[:99]}"


def _poll(meeting: Meeting, hint: webhooks.PollStarted | webhooks.PollResponded, at: datetime) -> Poll | None:
    livestream = Livestream.objects.filter(meeting=meeting).first()
    if livestream is None or not hint.internal_meeting_id or not hint.poll_id:
        return None
    poll, _made = Poll.objects.get_or_create(
        livestream=livestream,
        session_id=hint.internal_meeting_id[:256],
        poll_id=hint.poll_id[:200],
        defaults={"started_at": at},
    )
    return poll


def forget(livestream: Livestream) -> None:
    """The meeting is over: its hands and polls are nobody's business any more."""
    RaisedHand.objects.filter(livestream=livestream).delete()
    Poll.objects.filter(livestream=livestream).delete()
    polls.close_mirrored(livestream.event_id)


# --- what the panel asks


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """The latest poll of a meeting.

    Attributes:
        question: may be empty.
        started_at: when it was opened.
        responses: how many answers were told; 0 where none was, which may also mean that they are not told.
    """

    question: str
    started_at: datetime
    responses: int


def participants(livestream: Livestream) -> int | None:
    """How many are in the meeting; None when that is not known, or no longer."""
    seen_at = livestream.participants_seen_at
    if seen_at is None or timezone.now() > seen_at + COUNT_FRESH:
        return None
    return livestream.participants


def raised_hands(livestream: Livestream) -> Sequence[str]:
    """The names of those whose hands are up, the first one first; a name that nobody told is empty."""
    if not livestream.session_id:
        return []
    hands = RaisedHand.objects.filter(
        livestream=livestream, session_id=livestream.session_id, is_raised=True
    ).order_by("changed_at", "pk")
    return list(hands.values_list("name", flat=True))


def last_poll(livestream: Livestream) -> LastPoll | None:
    """The latest poll of the meeting that goes on, while it may be of interest."""
    if not livestream.session_id:
        return None
    poll = (
        Poll.objects.filter(livestream=livestream, session_id=livestream.session_id)
        .annotate(count=Count("responses"), last_at=Max("responses__at"))
        .order_by("-started_at", "-pk")
        .first()
    )
    if poll is None or timezone.now() > max(poll.last_at or poll.started_at, poll.started_at) + POLL_FRESH:
        return None
    return LastPoll(question=poll.question, started_at=poll.started_at, responses=poll.count)
