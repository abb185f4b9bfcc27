"""Questions of listeners: they ask and vote, presenters take them up and answer."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.audience.chat_rules import holds_a_word
from amphi.audience.crowding import has_room
from amphi.audience.domain import lock_stream, publish, retract
from amphi.audience.exceptions import InvalidVoiceError, TooManyVoicesError, VoiceClosedError
from amphi.audience.models import (
    QUESTION_SHOWN,
    Event,
    EventState,
    Message,
    Question,
    QuestionState,
    QuestionVote,
    ToMeeting,
)
from amphi.audience.pace import Pace
from amphi.audience.pulse import pulse
from amphi.audience.queries import listener_state
from amphi.audience.speakers import Speaker, check_not_restrained, writing
from amphi.system.typed import clean_text

RATE_WINDOW = timedelta(minutes=1)
ANSWER_MAX_LENGTH = 2000
MOST_OF_AN_EVENT = 2000
SHOWN = 100
"""The most questions on a page; those with the most votes are shown."""
VOTABLE = (QuestionState.OPEN, QuestionState.CURRENT)

_votes_pace = Pace(most=60, window_s=60)
_networks_pace = Pace(most=60, window_s=60)
"""Questions of guests from one network: a hall behind one address is many people, one who takes many names is not."""


# --- what listeners are told


def content(question: Question, *, names: bool = True) -> dict[str, object]:
    """A question for the ``question`` message and for pages. Of a hidden question it has only the id.

    Args:
        question: the question.
        names: whether listeners may see who asks.
    """
    if question.state not in QUESTION_SHOWN:
        return {"id": str(question.pk), "state": QuestionState.HIDDEN}
    return {
        "id": str(question.pk),
        "author": question.author_name if names and not question.is_anonymous else "",
        "guest": question.viewer.startswith("a"),
        "text": question.text,
        "answer": question.answer,
        "state": question.state,
        "votes": question.votes,
        "at": question.created_at.isoformat(),
    }


def _publish(question: Question, event: Event) -> None:
    publish(event.pk, "question", content(question, names=shows_names(event)), about=question.pk)


def shows_names(event: Event) -> bool:
    """Whether listeners see who asks."""
    return not event.names_hidden


def publish_votes(event_id: int, questions: Mapping[str, int]) -> None:
    """Publish how many votes some questions have now."""
    votes = dict(
        Question.objects.filter(event_id=event_id, pk__in=questions, state__in=QUESTION_SHOWN).values_list(
            "pk", "votes"
        )
    )
    if votes:
        publish(event_id, "votes", {"votes": {str(pk): number for pk, number in votes.items()}})


def shown(event: Event) -> list[Question]:
    """The questions that listeners see, those with the most votes first."""
    return list(
        event.questions.filter(state__in=QUESTION_SHOWN).order_by("-votes", "created_at", "pk")[:SHOWN]
    )


def waiting_of(event: Event, viewer: str) -> list[Question]:
    """The questions of one viewer that still wait for approval."""
    return list(event.questions.filter(viewer=viewer, state=QuestionState.WAITING)[:SHOWN])


def voted(viewer: str, questions: Collection[Question]) -> set[uuid.UUID]:
    """The ids of the questions in `questions` that a viewer voted for."""
    if not viewer:
        return set()
    rows = QuestionVote.objects.filter(viewer=viewer, question__in=questions)
    return set(rows.values_list("question_id", flat=True))


# --- what listeners do


def takes_questions(event: Event, now: datetime) -> bool:
    """Whether questions are accepted: before the live and while it runs."""
    return event.enable_questions and listener_state(event, now) != EventState.OVER


def _check_open(event: Event) -> None:
    if not event.enable_questions:
        raise VoiceClosedError(_("Questions are closed."))
    if listener_state(event, timezone.now()) == EventState.OVER:
        raise VoiceClosedError(_("The live is over: questions are closed."))


def ask(
    event: Event, *, by: Speaker, text: str, anonymous: bool = False, question_id: uuid.UUID | None = None
) -> Question:
    """Store a question. It is shown at once, or after approval.

    Args:
        event: the event.
        by: who asks; `access` must have allowed it.
        text: up to ``CHAT_MESSAGE_MAX_LENGTH`` characters.
        anonymous: hide the name from listeners, if the event allows that; presenters and moderators still see it.
        question_id: the sender's own id; a question that is sent twice is stored once.

    Raises:
        VoiceError: it was refused; the text says why.
    """
    text = clean_text(text)
    limit = settings.CHAT_MESSAGE_MAX_LENGTH
    if not text:
        raise InvalidVoiceError(_("Write your question first."))
    if len(text) > limit:
        raise InvalidVoiceError(
            ngettext(
                "The question has more than %(limit)d character.",
                "The question has more than %(limit)d characters.",
                limit,
            )
            % {"limit": limit}
        )
    if not (by.keeps_order or has_room(event.pk, by.network)):
        raise TooManyVoicesError(_("Many people write just now. Send your question again in a moment."))
    _check_open(event)
    check_not_restrained(event, by)
    if by.network and not _networks_pace.take(by.network):
        raise TooManyVoicesError(_("Many questions come from your network. Wait a little, or log in."))
    with writing(event.pk):
        lock_stream(event.pk)  # so that two questions at once are both counted
        known = Question.objects.filter(pk=question_id).first() if question_id else None
        if known is not None and (known.event_id, known.viewer) == (event.pk, by.viewer):
            return known
        _check_rate(event, by)
        question = Question.objects.create(
            id=uuid.uuid4() if question_id is None or known else question_id,
            event=event,
            viewer=by.viewer,
            author=by.user,
            author_name=by.name[:255],
            is_anonymous=anonymous and event.questions_anonymous,
            text=text,
            state=_first_state(event, by, text),
        )
        if question.state in QUESTION_SHOWN:
            _publish(question, event)
    return question


def _first_state(event: Event, by: Speaker, text: str) -> QuestionState:
    """Whether a question is shown at once; the words that hold a message back hold a question back too."""
    if not by.keeps_order and (event.questions_approved or holds_a_word(text, event.held_words)):
        return QuestionState.WAITING
    return QuestionState.OPEN


def _check_rate(event: Event, by: Speaker) -> None:
    now = timezone.now()
    # What is noted as asked long after now, by a clock that was ahead, is old.
    lately = Q(created_at__gt=now - RATE_WINDOW, created_at__lt=now + RATE_WINDOW)
    recent = event.questions.filter(lately, viewer=by.viewer)
    if recent.count() >= settings.QUESTIONS_PER_MINUTE:
        raise TooManyVoicesError(_("You ask too fast. Wait a little."))
    if event.questions.count() >= MOST_OF_AN_EVENT:
        raise TooManyVoicesError(_("There are too many questions. Vote for one that is asked already."))


def vote(event: Event, question_id: uuid.UUID, *, viewer: str, wanted: bool) -> Question:
    """Vote for a question, or take the vote back. A repeated request has no effect.

    Raises:
        VoiceError: it was refused; the text says why.
    """
    _check_open(event)
    if not _votes_pace.take(viewer):
        raise TooManyVoicesError(_("You vote too fast. Wait a little."))
    with writing(event.pk):
        # Locked before the vote is written, so that no vote is counted for a question that was just answered.
        question = _locked(event, question_id)
        if question.state not in VOTABLE:
            raise VoiceClosedError(_("This question takes no votes any more."))
        if not _write_vote(question, viewer, wanted=wanted):
            return question
        Question.objects.filter(pk=question.pk).update(votes=F("votes") + (1 if wanted else -1))
        question.refresh_from_db(fields=["votes"])
        _pass_on(event, question)
        transaction.on_commit(partial(pulse.add, publish_votes, event.pk, str(question.pk)))
    return question


def _write_vote(question: Question, viewer: str, *, wanted: bool) -> bool:
    """Write or delete the row of a vote. Returns whether that changed anything."""
    if wanted:
        return QuestionVote.objects.get_or_create(question=question, viewer=viewer)[1]
    return bool(QuestionVote.objects.filter(question=question, viewer=viewer).delete()[0])


def _locked(event: Event, question_id: uuid.UUID) -> Question:
    question = Question.objects.select_for_update(no_key=True).filter(pk=question_id, event=event).first()
    if question is None:
        raise VoiceClosedError(_("This question is no longer there."))
    return question


def _pass_on(event: Event, question: Question) -> None:
    """Send a question into the meeting when it has enough votes. It is sent only once, even if its votes change afterwards."""
    needed = votes_needed(event)
    if needed is None or question.votes < needed or question.passed_on_at or not event.state:
        return
    now = timezone.now()
    Question.objects.filter(pk=question.pk).update(passed_on_at=now)
    Message.objects.create(
        event=event,
        source=Message.Source.QUESTION,
        author=None if question.is_anonymous else question.author,
        author_name=_("Question, %(votes)d votes") % {"votes": question.votes},
        text=question.text,
        delivery=Message.Delivery.WAITING,
        attempt_at=now,
    )


def votes_needed(event: Event) -> int | None:
    """How many votes a question needs to be sent into the meeting; None when questions are not sent."""
    return event.to_meeting_votes if event.to_meeting == ToMeeting.VOTED else None


# --- what presenters and moderators do


def of_event(event: Event, *, by_time: bool = False) -> QuerySet[Question]:
    """All questions of an event, for presenters: the one being answered first, then the waiting ones."""
    order = ("created_at", "pk") if by_time else ("-votes", "created_at", "pk")
    return event.questions.order_by(*order)


def to_be_answered(event_id: int) -> int:
    """How many questions wait for approval or an answer."""
    states = (QuestionState.WAITING, QuestionState.OPEN)
    return Question.objects.filter(event_id=event_id, state__in=states).count()


def set_state(event: Event, question_id: uuid.UUID, state: QuestionState) -> Question:
    """Approve, take up, mark as answered, hide or show a question. Taking one up marks the previous one as answered.

    Raises:
        VoiceError: it no longer exists.
    """
    with writing(event.pk):
        lock_stream(event.pk)  # locked before any question, so that two presenters take up questions in turn
        if state == QuestionState.CURRENT:
            for other in event.questions.filter(state=QuestionState.CURRENT).exclude(pk=question_id):
                _change(event, other, state=QuestionState.ANSWERED)
        question = _locked(event, question_id)
        if question.state != state:
            _change(event, question, state=state)
    return question


def answer(event: Event, question_id: uuid.UUID, text: str) -> Question:
    """Write the answer to a question, which listeners read below it. An empty text only marks it as answered.

    Raises:
        VoiceError: the answer is too long, or the question no longer exists.
    """
    text = clean_text(text)
    if len(text) > ANSWER_MAX_LENGTH:
        raise InvalidVoiceError(
            _("The answer has more than %(limit)d characters.") % {"limit": ANSWER_MAX_LENGTH}
        )
    with writing(event.pk):
        lock_stream(event.pk)
        question = _locked(event, question_id)
        _change(event, question, state=QuestionState.ANSWERED, answer=text)
    return question


def hide_all_of(event: Event, viewer: str) -> None:
    """Hide what somebody asked who was excluded."""
    with writing(event.pk):
        lock_stream(event.pk)
        for question in event.questions.filter(viewer=viewer).exclude(state=QuestionState.HIDDEN):
            _change(event, question, state=QuestionState.HIDDEN)


def _change(event: Event, question: Question, **changes: object) -> None:
    if changes["state"] == QuestionState.ANSWERED and question.answered_at is None:
        changes["answered_at"] = timezone.now()
    for name, value in changes.items():
        setattr(question, name, value)
    question.save(update_fields=list(changes))
    if question.state == QuestionState.HIDDEN:
        retract(event.pk, [question.pk])
    _publish(question, event)
