"""Writes a webinar that is over into the demo's database, with all that its listeners said and voted. Needs Django set up."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.models import (
    Airing,
    AiringMinute,
    Ballot,
    Event,
    EventState,
    Message,
    MessageReaction,
    Poll,
    PollChoice,
    PollState,
    Presence,
    Question,
    QuestionState,
    QuestionVote,
    Role,
)
from amphi.demo import lecture
from amphi.meetings.domain import MeetingFields
from amphi.meetings.models import Attendance, Meeting, Session
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State, Transition
from amphi.webinars.saving import create_meeting

DAYS_AGO = 6
HOUR = 14
LENGTH = timedelta(minutes=lecture.MINUTES)
ANSWER_TOOK = timedelta(minutes=3)


def fill_past(presenter: User) -> None:
    """Write the past webinar, unless it is there."""
    if Meeting.objects.filter(owner=presenter, name=lecture.TITLE).exists():
        return
    local = timezone.localtime() - timedelta(days=DAYS_AGO)
    began = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    fields = MeetingFields(
        name=lecture.TITLE,
        description=lecture.DESCRIPTION,
        start_at=began,
        duration=timedelta(minutes=90),
        is_webinar=True,
    )
    with transaction.atomic():
        saved = create_meeting(user=presenter, fields=fields)
        if saved.conflict is not None:
            transaction.set_rollback(True)
            return
        livestream = Livestream.objects.select_related("event", "meeting").get(meeting=saved.meeting)
        people = {user.username: user for user in User.objects.all()}
        _hold(livestream, presenter, began)
        _come(saved.meeting, presenter, began)
        _listen(livestream.event, people, began)
        _say(livestream.event, people, began)
        _ask(livestream.event, people, began)
        _poll(livestream.event, presenter, began)


def _hold(livestream: Livestream, presenter: User, began: datetime) -> None:
    """Have the live be over, with its history."""
    ended = began + LENGTH
    Livestream.objects.filter(pk=livestream.pk).update(
        state=State.STOPPED,
        state_since=ended,
        start_asked_at=began,
        went_live_at=began + timedelta(seconds=6),
    )
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=began, ended_at=ended)
    Event.objects.filter(pk=livestream.event_id).update(
        state=EventState.OVER, since=ended, speakers=lecture.SPEAKERS
    )
    history = (
        (State.IDLE, State.STARTING, transitions.GO_LIVE, presenter, began),
        (State.STARTING, State.LIVE, transitions.MEDIA_SEEN, None, began + timedelta(seconds=6)),
        (State.LIVE, State.STOPPING, transitions.MEETING_ENDED, None, ended),
        (State.STOPPING, State.STOPPED, transitions.GATEWAY_IDLE, None, ended + timedelta(seconds=1)),
    )
    rows = [
        Transition(livestream=livestream, old=old, new=new, trigger=trigger, actor=actor)
        for old, new, trigger, actor, _at in history
    ]
    Transition.objects.bulk_create(rows)
    _date(rows, "at", (at for *_rest, at in history))


def _date(rows: Sequence[Model], column: str, moments: Iterable[datetime]) -> None:
    """Write when rows came to be: their columns say “now” when they are made."""
    for row, moment in zip(rows, moments, strict=True):
        setattr(row, column, moment)
    if rows:
        type(rows[0])._default_manager.bulk_update(rows, [column])  # noqa: SLF001 -- of any model


def _come(meeting: Meeting, presenter: User, began: datetime) -> None:
    """The presenters in the meeting."""
    session = Session.objects.create(
        meeting=meeting, internal_id=f"demo-{meeting.pk}", started_at=began, ended_at=began + LENGTH
    )
    for number, (name, user, came) in enumerate(
        ((str(presenter), presenter, 0), (lecture.GUEST_SPEAKER, None, 1))
    ):
        Attendance.objects.create(
            session=session,
            user_id_in_bbb=f"w_demo{number}",
            name=name,
            user=user,
            is_moderator=user is not None,
            joined_at=began + timedelta(minutes=came),
            left_at=began + LENGTH,
        )


def _listen(event: Event, people: dict[str, User], began: datetime) -> None:
    """The attendance: how many listened each minute, and for how long each person with an account."""
    airing = Airing.objects.create(
        event=event, began_at=began, ended_at=began + LENGTH, forgotten=lecture.WITHOUT_ACCOUNT
    )
    first = int(began.timestamp()) // 60
    last = first + lecture.MINUTES - 1
    AiringMinute.objects.bulk_create(
        AiringMinute(airing=airing, minute=first + at, listeners=lecture.listeners(at))
        for at in range(lecture.MINUTES)
    )
    names = ["lea", "hugo", *(username for username, *_names in lecture.CROWD)]
    for number, username in enumerate(names):
        # They come within minutes, and some leave before the end.
        came, left = first + number % 5, last - (number * 7 % 5) * (number % 3)
        Presence.objects.create(
            airing=airing,
            viewer=f"u{people[username].pk}",
            minutes=left - came + 1,
            first_minute=came,
            last_minute=left,
        )


def _say(event: Event, people: dict[str, User], began: datetime) -> None:
    rows: list[Message] = []
    for said in lecture.MESSAGES:
        author = people.get(said.by)
        is_presenter = author is None or author == event.owner
        rows.append(
            Message(
                event=event,
                source=Message.Source.LISTENER if author else Message.Source.MEETING,
                role=Role.PRESENTER if is_presenter else Role.LISTENER,
                author=author,
                author_name=str(author or lecture.GUEST_SPEAKER),
                viewer=f"u{author.pk}" if author else "",
                text=said.text,
                reply_to=None if said.reply_to is None else rows[said.reply_to],
                delivery=Message.Delivery.SENT if author else Message.Delivery.NONE,
            )
        )
    Message.objects.bulk_create(rows)
    _date(rows, "created_at", (began + timedelta(minutes=said.minute) for said in lecture.MESSAGES))
    MessageReaction.objects.bulk_create(
        MessageReaction(message=row, viewer=viewer, kind=kind)
        for row, said in zip(rows, lecture.MESSAGES, strict=True)
        for kind, count in said.reactions.items()
        for viewer in _viewers(people, count)
    )


def _viewers(people: dict[str, User], count: int) -> list[str]:
    """`count` listeners: the students, then browsers without an account."""
    students = [f"u{people[username].pk}" for username, *_names in lecture.CROWD]
    return [*students, *(f"ademo{number:012d}" for number in range(max(0, count - len(students))))][:count]


def _ask(event: Event, people: dict[str, User], began: datetime) -> None:
    rows = []
    for asked in lecture.QUESTIONS:
        author = people[asked.by]
        is_answered = asked.answer is not None
        rows.append(
            Question(
                event=event,
                viewer=f"u{author.pk}",
                author=author,
                author_name=str(author),
                is_anonymous=asked.is_anonymous,
                text=asked.text,
                answer=asked.answer or "",
                state=QuestionState.ANSWERED if is_answered else QuestionState.OPEN,
                votes=asked.votes,
                answered_at=began + timedelta(minutes=asked.minute) + ANSWER_TOOK if is_answered else None,
            )
        )
    Question.objects.bulk_create(rows)
    _date(rows, "created_at", (began + timedelta(minutes=asked.minute) for asked in lecture.QUESTIONS))
    QuestionVote.objects.bulk_create(
        QuestionVote(question=row, viewer=viewer) for row in rows for viewer in _viewers(people, row.votes)
    )


def _poll(event: Event, presenter: User, began: datetime) -> None:
    opened = began + timedelta(minutes=lecture.POLL_MINUTE)
    poll = Poll.objects.create(
        event=event,
        question=lecture.POLL,
        state=PollState.CLOSED,
        results_shown=True,
        created_by=presenter,
        opened_at=opened,
        closed_at=opened + timedelta(minutes=2),
    )
    _date([poll], "created_at", [opened])
    voters = iter(range(sum(count for _text, count in lecture.CHOICES)))
    for position, (text, count) in enumerate(lecture.CHOICES):
        choice = PollChoice.objects.create(poll=poll, position=position, text=text)
        for _voter in range(count):
            Ballot.objects.create(poll=poll, viewer=f"ademo{next(voters):012d}").choices.add(choice)
