"""Participation in a running meeting: the number of people, raised hands, the last poll.

Hands and polls come from webhooks, which may arrive in any order, twice, late or never. The supervisor reads from the meeting server
who is there. So a hand counts only in the session that the supervisor sees, and only for somebody in it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone

from amphi.audience import hands, polls
from amphi.audience.captions import cues, taking
from amphi.audience.captions.taking import Sentence
from amphi.audience.exceptions import CaptionError
from amphi.audience.models import CaptionsFrom
from amphi.audience.replays import editing
from amphi.bigbluebutton import transcripts, webhooks
from amphi.meetings.models import Attendance, Meeting
from amphi.system.typed import clean_line
from amphi.webinars.models import Livestream, Poll, PollResponse, RaisedHand

log = logging.getLogger(__name__)

COUNT_FRESH = timedelta(seconds=45)
"""The supervisor reads the count at least every 20 s. An older one is not shown."""
POLL_FRESH = timedelta(minutes=15)
"""How long a poll is shown after its last answer, since BBB does not report that a poll closed."""


# --- written from webhooks


def hand_changed(meeting: Meeting, hint: webhooks.HandRaised, at: datetime) -> None:
    """Note that a hand went up or down; an older report changes nothing."""
    livestream = Livestream.objects.filter(meeting=meeting).first()
    session_id, user_id = hint.internal_meeting_id[:256], hint.user_id[:100]
    if livestream is None or not session_id or not user_id:
        return
    hand = RaisedHand.objects.filter(livestream=livestream, session_id=session_id, user_id=user_id)
    if hint.is_emoji and not hint.raised:
        # Since BBB 2.7 hands are not emojis: an emoji lowers only a hand that an emoji raised.
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


def presentation_changed(meeting: Meeting, at: datetime) -> None:
    """Another document is shown: a chapter of the replay begins, if the live is on the air and recorded."""
    livestream = Livestream.objects.select_related("event").filter(meeting=meeting).first()
    if livestream is not None and not livestream.is_backstage:
        editing.note_slides(livestream.event, at)


def transcript_updated(meeting: Meeting, hint: webhooks.TranscriptUpdated, at: datetime) -> None:
    """The meeting's transcription knows more of a sentence: a caption, where the webinar has its captions from the meeting."""
    livestream = Livestream.objects.select_related("event").filter(meeting=meeting).first()
    if livestream is None or livestream.event.captions_from != CaptionsFrom.MEETING:
        return
    # Ids of sentences begin anew with each session.
    name = f"{hint.internal_meeting_id[-13:]} {hint.transcript_id}"[: taking.LONGEST_NAME]
    so_far = taking.so_far(livestream.event, name)
    text = transcripts.continued(so_far, hint.text)[: cues.LONGEST_TEXT]
    # It tells when it knew, which is after the words: the first time is the nearest.
    began_at = None if so_far else min(at, timezone.now())
    said = Sentence(text, name=name, at=began_at, is_final=hint.is_final)
    try:
        taking.take(livestream.event, said, source=CaptionsFrom.MEETING)
    except CaptionError as error:
        # Backstage, for one: the meeting says it all.
        log.debug("caption of meeting %s: %s", meeting.pk, error)


def _name(meeting: Meeting, hint: webhooks.HandRaised) -> str:
    """The name of the hand's owner: from the hint, or, since that often lacks it, from their arrival."""
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
    """Note that somebody left, which lowers their hand."""
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
    """Note a poll. The report may come twice, or after the first answers."""
    poll = _poll(meeting, hint, at)
    if poll is not None:
        question = clean_line(hint.question)[:500]
        Poll.objects.filter(pk=poll.pk).update(question=question, started_at=min(at, poll.started_at))
        if poll.livestream.is_backstage:
            return
        event_id, mirrored_as = poll.livestream.event_id, _mirrored_as(poll)
        if polls.mirror(event_id, mirrored_as, question=question, answers=hint.answers):
            for key in poll.responses.values_list("key", flat=True):
                polls.count_answer(event_id, mirrored_as, _answers_in(key))


def poll_responded(meeting: Meeting, hint: webhooks.PollResponded, at: datetime) -> None:
    """Note one answer to a poll; the same report may come twice.

    BBB reports each answer with the id of the presenter, who receives it. So only the time distinguishes two answers:
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
    """Delete the hands and polls of a meeting that is over: they are personal data that nobody needs any more."""
    RaisedHand.objects.filter(livestream=livestream).delete()
    Poll.objects.filter(livestream=livestream).delete()
    polls.close_mirrored(livestream.event_id)


# --- read by the panel


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """The latest poll of a meeting.

    Attributes:
        question: may be empty.
        started_at: when it was opened.
        responses: how many answers BBB reported; 0 may mean that it does not report them.
    """

    question: str
    started_at: datetime
    responses: int


def participants(livestream: Livestream) -> int | None:
    """How many people are in the meeting; None when no recent count is known."""
    seen_at = livestream.participants_seen_at
    if seen_at is None or timezone.now() > seen_at + COUNT_FRESH:
        return None
    return livestream.participants


def raised_hands(livestream: Livestream) -> Sequence[str]:
    """The names of the people whose hands are up, the earliest first; an unknown name is empty."""
    if not livestream.session_id:
        return []
    hands = RaisedHand.objects.filter(
        livestream=livestream, session_id=livestream.session_id, is_raised=True
    ).order_by("changed_at", "pk")
    return list(hands.values_list("name", flat=True))


def last_poll(livestream: Livestream) -> LastPoll | None:
    """The latest poll of the current session; None when there was none in the last `POLL_FRESH`."""
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
