"""Polls: presenters make, open and close them, and decide when to show the results.

A viewer has one ballot and may change it while the poll is open, for example after pressing the wrong choice on a phone. Votes are
counted from the ballots, so no count can become wrong. Of the meeting's own polls only numbers are known, and shown.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.domain import lock_stream, publish, retract
from amphi.audience.exceptions import InvalidVoiceError, TooManyVoicesError, VoiceClosedError
from amphi.audience.models import Ballot, Event, EventState, Poll, PollChoice, PollState
from amphi.audience.pace import Pace
from amphi.audience.pulse import pulse
from amphi.audience.queries import listener_state
from amphi.audience.speakers import writing
from amphi.system.typed import clean_line

LEAST_CHOICES = 2
MOST_CHOICES = 10
QUESTION_MAX_LENGTH = 500
CHOICE_MAX_LENGTH = 200
MOST_OF_AN_EVENT = 100
LARGEST_NUMBER = 1000
"""The largest number of an answer in a mirrored poll."""
SHOWN = 20
"""The most polls on a page; the latest are shown."""

_pace = Pace(most=30, window_s=60)


# --- what listeners are told


class Results(NamedTuple):
    """The number of votes for each choice, in their order, and of those who voted: in a mirrored poll, of the votes that were reported."""

    counts: list[int]
    voters: int


def results(polls: Collection[Poll]) -> dict[uuid.UUID, Results]:
    """The results of some polls, in two queries however many there are."""
    choices = PollChoice.objects.filter(poll__in=polls).annotate(count=Count("ballots"))
    counts: dict[uuid.UUID, list[int]] = {poll.pk: [] for poll in polls}
    mirrored = {poll.pk for poll in polls if poll.is_mirrored}
    for poll_id, told, count in choices.order_by("position").values_list("poll_id", "told_votes", "count"):
        counts[poll_id].append(told if poll_id in mirrored else count)
    ballots = Ballot.objects.filter(poll__in=polls).values_list("poll_id").annotate(Count("pk"))
    voters: dict[uuid.UUID, int] = dict(ballots)
    return {
        pk: Results(found, sum(found) if pk in mirrored else voters.get(pk, 0))
        for pk, found in counts.items()
    }


def content(poll: Poll, known: Results | None = None) -> dict[str, object]:
    """A poll for the ``poll`` message and for pages. It has numbers only if the presenter shows the results.

    Args:
        poll: which.
        known: its results, where they were read with those of others.
    """
    if poll.state == PollState.DRAFT:
        return {"id": str(poll.pk), "state": PollState.DRAFT}
    numbers = {}
    if poll.results_shown:
        found = known or results([poll])[poll.pk]
        numbers = {"counts": found.counts, "voters": found.voters}
    return {
        "id": str(poll.pk),
        "question": poll.question,
        "choices": [choice.text for choice in poll.choices.all()],
        "multiple": poll.is_multiple,
        "state": poll.state,
        "mirrored": poll.is_mirrored,
        **numbers,
    }


def publish_results(event_id: int, polls: Mapping[str, int]) -> None:
    """Publish the numbers of polls whose results are shown during the vote."""
    for poll in Poll.objects.filter(event_id=event_id, pk__in=polls, results_shown=True):
        _publish(poll, content(poll))


def _publish(poll: Poll, said: Mapping[str, object]) -> None:
    """Tell a poll with the moment, so that each page shows it when its picture is there."""
    publish(poll.event_id, "poll", {**said, "at": timezone.now().isoformat()}, about=poll.pk)


def shown(event: Event) -> list[Poll]:
    """The polls that listeners see, the latest first."""
    polls = event.polls.exclude(state=PollState.DRAFT).prefetch_related("choices")
    return list(polls.order_by("-opened_at", "-pk")[:SHOWN])


def chosen(viewer: str, polls: Collection[Poll]) -> dict[uuid.UUID, list[int]]:
    """A viewer's choices in each of `polls`, by position."""
    if not viewer:
        return {}
    rows = Ballot.objects.filter(viewer=viewer, poll__in=polls).values_list("poll_id", "choices__position")
    found: dict[uuid.UUID, list[int]] = {}
    for poll_id, position in rows.order_by("choices__position"):
        found.setdefault(poll_id, []).append(position)
    return found


# --- what listeners do


def vote(event: Event, poll_id: uuid.UUID, *, viewer: str, positions: Collection[int]) -> Poll:
    """Store a viewer's ballot in place of an earlier one.

    Raises:
        VoiceError: it was refused; the text says why.
    """
    if not _pace.take(viewer):
        raise TooManyVoicesError(_("You vote too fast. Wait a little."))
    with writing(event.pk):
        # Closing takes the same lock, so no vote can come after the final count.
        poll = _locked(event, poll_id)
        is_over = listener_state(event, timezone.now()) == EventState.OVER
        if poll.state != PollState.OPEN or poll.is_mirrored or is_over:
            raise VoiceClosedError(_("This poll is closed."))
        wanted = list(poll.choices.filter(position__in=set(positions)))
        if not wanted or len(wanted) != len(set(positions)):
            raise InvalidVoiceError(_("Choose an answer first."))
        if len(wanted) > 1 and not poll.is_multiple:
            raise InvalidVoiceError(_("Choose one answer only."))
        ballot, _made = Ballot.objects.get_or_create(poll=poll, viewer=viewer)
        ballot.choices.set(wanted)
        if poll.results_shown:
            transaction.on_commit(partial(pulse.add, publish_results, event.pk, str(poll.pk)))
    return poll


def _locked(event: Event, poll_id: uuid.UUID) -> Poll:
    poll = Poll.objects.select_for_update(no_key=True).filter(pk=poll_id, event=event).first()
    if poll is None:
        raise VoiceClosedError(_("This poll is no longer there."))
    return poll


# --- what presenters and moderators do


def clean_choices(texts: Sequence[str]) -> list[str]:
    """The choices, cleaned, without empty ones and duplicates.

    Raises:
        InvalidVoiceError: there are too few or too many, or one is too long.
    """
    choices = list(dict.fromkeys(line for text in texts if (line := clean_line(text))))
    if len(choices) < LEAST_CHOICES:
        raise InvalidVoiceError(_("Give at least two different answers."))
    if len(choices) > MOST_CHOICES:
        raise InvalidVoiceError(_("Give at most %(most)d answers.") % {"most": MOST_CHOICES})
    if any(len(choice) > CHOICE_MAX_LENGTH for choice in choices):
        raise InvalidVoiceError(_("An answer has at most %(most)d characters.") % {"most": CHOICE_MAX_LENGTH})
    return choices


def clean_question(text: str) -> str:
    """The question, cleaned.

    Raises:
        InvalidVoiceError: it is empty or too long.
    """
    question = clean_line(text)
    if not question:
        raise InvalidVoiceError(_("Write the question first."))
    if len(question) > QUESTION_MAX_LENGTH:
        raise InvalidVoiceError(
            _("The question has more than %(limit)d characters.") % {"limit": QUESTION_MAX_LENGTH}
        )
    return question


def make(
    event: Event, *, question: str, choices: Sequence[str], multiple: bool, opens: bool, user: User
) -> Poll:
    """Make a poll, and open it if `opens`.

    Raises:
        VoiceError: it was refused; the text says why.
    """
    question, kept = clean_question(question), clean_choices(choices)
    with writing(event.pk):
        lock_stream(event.pk)
        if event.polls.count() >= MOST_OF_AN_EVENT:
            raise TooManyVoicesError(_("This live event has as many polls as it may have."))
        poll = Poll.objects.create(event=event, question=question, is_multiple=multiple, created_by=user)
        PollChoice.objects.bulk_create(
            PollChoice(poll=poll, position=position, text=text) for position, text in enumerate(kept)
        )
        if opens:
            _change(poll, state=PollState.OPEN)
    return poll


def open_poll(event: Event, poll_id: uuid.UUID) -> None:
    """Let listeners vote, for the first time or again."""
    _act(event, poll_id, state=PollState.OPEN)


def close_poll(event: Event, poll_id: uuid.UUID) -> None:
    """Close a poll: no more votes are accepted."""
    _act(event, poll_id, state=PollState.CLOSED)


def show_results(event: Event, poll_id: uuid.UUID, *, shown: bool) -> None:
    """Show the results to listeners, or hide them again."""
    _act(event, poll_id, results_shown=shown)


def delete_poll(event: Event, poll_id: uuid.UUID) -> None:
    """Delete a poll and its votes; it disappears from listeners' pages."""
    with writing(event.pk):
        lock_stream(event.pk)
        poll = _locked(event, poll_id)
        retract(event.pk, [poll.pk])
        _publish(poll, {"id": str(poll.pk), "state": PollState.DRAFT})
        poll.delete()


def _act(event: Event, poll_id: uuid.UUID, **changes: object) -> None:
    with writing(event.pk):
        lock_stream(event.pk)
        poll = _locked(event, poll_id)
        if changes.get("state") == PollState.OPEN and poll.is_mirrored:
            raise VoiceClosedError(_("This poll belongs to the meeting."))
        if any(getattr(poll, name) != value for name, value in changes.items()):
            _change(poll, **changes)


def _change(poll: Poll, **changes: object) -> None:
    now = timezone.now()
    if changes.get("state") == PollState.OPEN:
        changes |= {"opened_at": poll.opened_at or now, "closed_at": None}
    elif changes.get("state") == PollState.CLOSED:
        changes |= {"opened_at": poll.opened_at or now, "closed_at": now}
    for name, value in changes.items():
        setattr(poll, name, value)
    poll.save(update_fields=list(changes))
    _publish(poll, content(poll))


# --- the meeting's own


def mirror(event_id: int, meeting_poll_id: str, *, question: str, answers: Sequence[tuple[int, str]]) -> bool:
    """Show a poll of the meeting among the event's polls, and close an earlier one. A repeated report has no effect.

    Args:
        event_id: the live event of the meeting.
        meeting_poll_id: the meeting server's id of the poll.
        question: may be empty.
        answers: pairs of number and text.

    Returns:
        Whether the poll is new.
    """
    with writing(event_id):
        lock_stream(event_id)
        event = Event.objects.get(pk=event_id)
        if not answers or event.polls.count() >= MOST_OF_AN_EVENT:
            return False
        poll, made = Poll.objects.get_or_create(
            event=event,
            meeting_poll_id=meeting_poll_id[:300],
            defaults={"question": clean_line(question)[:QUESTION_MAX_LENGTH]},
        )
        if not made:
            return False
        PollChoice.objects.bulk_create(
            PollChoice(poll=poll, position=number, text=(clean_line(text) or str(number))[:CHOICE_MAX_LENGTH])
            for number, text in dict(answers[: 2 * MOST_CHOICES]).items()
            if number <= LARGEST_NUMBER
        )
        for other in event.polls.exclude(meeting_poll_id="").filter(state=PollState.OPEN):
            _change(other, state=PollState.CLOSED)
        _change(poll, state=PollState.OPEN)
    return True


def count_answer(event_id: int, meeting_poll_id: str, numbers: Collection[int]) -> None:
    """Count one more answer to a poll of the meeting. The caller makes sure that each is counted once."""
    choices = PollChoice.objects.filter(
        poll__event_id=event_id, poll__meeting_poll_id=meeting_poll_id[:300], position__in=numbers
    )
    if choices.update(told_votes=F("told_votes") + 1):
        poll = Poll.objects.get(event_id=event_id, meeting_poll_id=meeting_poll_id[:300])
        transaction.on_commit(partial(pulse.add, publish_results, event_id, str(poll.pk)))


def close_mirrored(event_id: int) -> None:
    """Close the mirrored polls of a meeting that is over."""
    for poll in Poll.objects.filter(event_id=event_id, state=PollState.OPEN).exclude(meeting_poll_id=""):
        close_poll(poll.event, poll.pk)
