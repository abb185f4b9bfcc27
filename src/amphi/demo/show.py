"""What happens at the webinar on the air: who does what, and when. Needs Django set up."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import voice_options
from amphi.audience.models import Event
from amphi.demo import lecture, talk
from amphi.demo.crowd import Hall, Person
from amphi.meetings.domain import MeetingFields
from amphi.meetings.models import Meeting
from amphi.rehearsal.exceptions import SetUpError
from amphi.rehearsal.robots import Presenter, chromium
from amphi.rehearsal.stage import log_in
from amphi.webinars import domain as webinars
from amphi.webinars.deletion import delete
from amphi.webinars.saving import create_meeting

PRESENTER = "camille"
SHOW = timedelta(hours=4)
LAST_CALL = timedelta(minutes=5)
"""The show ends this long before the webinar's booked end."""
REACTIONS = ("clap", "clap", "heart", "thumb", "thumb", "laugh", "wow")
LIVE_TIMEOUT_S = 90.0
_POLL_S = 0.3

# ruff: noqa: S311 -- whatever is random here guards nothing
Pause = tuple[float, float]
"""The shortest and the longest pause between two acts, in seconds: people do nothing by the clock."""
WRITING: Pause = (4, 9)
ASKING: Pause = (25, 45)
VOTING: Pause = (3, 8)
REACTING: Pause = (5, 12)
RAISING: Pause = (50, 90)
HAND_STAYS: Pause = (25, 40)
ANSWERING: Pause = (30, 45)
SPEAKING_OF_IT: Pause = (18, 28)
POLLING: Pause = (90, 150)
POLL_STAYS_S = 40
ARRIVING: Pause = (0.4, 1.5)


@dataclass(frozen=True, slots=True)
class Stage:
    """The webinar, and the sessions of those who are there, the presenter's first."""

    event_id: int
    meeting_url: str
    event_url: str
    sessions: list[str]


def set_up() -> Stage:
    """Create the webinar, and log everybody in.

    Raises:
        SetUpError: no live gateway is free.
    """
    presenter = User.objects.get(username=PRESENTER)
    for earlier in Meeting.objects.filter(owner=presenter, name=talk.TITLE):
        delete(earlier, user=presenter, tells_invited=False)  # the worker ends it
    fields = MeetingFields(
        name=talk.TITLE,
        description=talk.DESCRIPTION,
        start_at=timezone.now(),
        duration=SHOW,
        is_webinar=True,
    )
    saved = create_meeting(user=presenter, fields=fields)
    livestream = webinars.livestream_of(saved.meeting)
    if saved.conflict is not None or livestream is None:
        saved.meeting.delete()
        raise SetUpError("No live gateway is free for the webinar on the air.")
    voice_options.change(livestream.event, {"enable_hands": True})
    Event.objects.filter(pk=livestream.event_id).update(speakers=talk.SPEAKERS, guests_may_write=True)
    crowd = [username for username, *_names in lecture.CROWD]
    people = User.objects.in_bulk(crowd, field_name="username")
    return Stage(
        event_id=livestream.event_id,
        meeting_url=settings.AMPHI_URL + saved.meeting.get_absolute_url(),
        event_url=settings.AMPHI_URL + livestream.event.get_absolute_url(),
        sessions=[log_in(user, SHOW) for user in (presenter, *(people[name] for name in crowd))],
    )


async def give(sign: Path) -> None:
    """Give the webinar until cancelled, or until its time is over.

    Args:
        sign: the file that gets the address of the live page once listeners see the live.
    """
    stage = await asyncio.to_thread(set_up)
    hall = Hall()
    people = [Person(stage.event_url, session, hall) for session in stage.sessions]
    try:
        async with chromium() as browser:
            cookie = (settings.SESSION_COOKIE_NAME, stage.sessions[0])
            presenter = await Presenter.open(
                browser, stage.meeting_url, cookie, title=talk.TITLE, slides=talk.SLIDES
            )
            async with asyncio.timeout((SHOW - LAST_CALL).total_seconds()), asyncio.TaskGroup() as group:
                for person in people:
                    group.create_task(person.listen())
                await presenter.start()
                group.create_task(presenter.enter())
                group.create_task(_say_when_live(stage, sign))
                await hall.on_air.wait()
                for act in Show(hall, people[0], people[1:]).acts():
                    group.create_task(act)
    except TimeoutError:
        return  # the time of this webinar is over
    finally:
        for person in people:
            await person.close()
        await asyncio.shield(asyncio.to_thread(_log_out, stage))


def _log_out(stage: Stage) -> None:
    Session.objects.filter(session_key__in=stage.sessions).delete()


async def _say_when_live(stage: Stage, sign: Path) -> None:
    while not await asyncio.to_thread(_is_live, stage):  # noqa: ASYNC110 -- another process writes it
        await asyncio.sleep(_POLL_S)
    await asyncio.to_thread(sign.write_text, stage.event_url, "utf-8")


def _is_live(stage: Stage) -> bool:
    return Event.objects.filter(pk=stage.event_id, state="live").exists()


def _shuffled(texts: tuple[str, ...]) -> Iterator[str]:
    """The texts in the order of a discussion, over and over, each round in another order."""
    yield from texts
    while True:
        yield from random.sample(texts, len(texts))


class Show:
    """What presenter and listeners do.

    Args:
        hall: what everybody knows.
        presenter: the presenter at their desk.
        crowd: the listeners.
    """

    def __init__(self, hall: Hall, presenter: Person, crowd: list[Person]) -> None:
        self.hall = hall
        self.presenter = presenter
        self.crowd = crowd
        self._last: Person | None = None
        self._answers = {_plain(question): answer for question, answer in talk.QUESTIONS}
        self._messages = _shuffled(talk.MESSAGES)
        self._questions = iter(question for question, _answer in talk.QUESTIONS)
        self._words = itertools.cycle(talk.HANDS)
        self._polls = iter(talk.POLLS)

    def acts(self) -> list[Coroutine[object, object, None]]:
        """All that goes on at once."""
        return [
            self._arrive(),
            self._again(WRITING, self._write),
            self._again(ASKING, self._ask),
            self._again(VOTING, self._vote),
            self._again(REACTING, self._react),
            self._again(RAISING, self._raise_hand),
            self._again(ANSWERING, self._answer),
            self._again(POLLING, self._poll),
        ]

    def _somebody(self) -> Person:
        """One of them, and not the same twice in a row."""
        self._last = random.choice([one for one in self.crowd if one is not self._last])
        return self._last

    async def _again(self, pause: Pause, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await _wait(pause)
            await act()

    async def _arrive(self) -> None:
        """So that whoever comes in the first seconds sees a hall: greetings, two questions, a poll."""
        await self.presenter.write(talk.WELCOME)
        for person, text in zip(random.sample(self.crowd, len(talk.ARRIVALS)), talk.ARRIVALS, strict=True):
            await _wait(ARRIVING)
            await person.write(text)
        await self._ask()
        await self._ask()
        await self._poll()

    async def _write(self) -> None:
        await self._somebody().write(next(self._messages))

    async def _ask(self) -> None:
        if text := next(self._questions, ""):
            await self._somebody().post("questions", text=text, anonymous=random.choice(("0", "0", "1")))

    async def _vote(self) -> None:
        if wanted := self.hall.open_questions():
            await self._somebody().post(f"questions/{random.choice(wanted)}/vote", wanted="1")

    async def _react(self) -> None:
        kind = random.choice(REACTIONS)
        for person in random.sample(self.crowd, random.randint(1, 5)):
            await person.react(kind)
            await _wait((0.1, 0.6))

    async def _raise_hand(self) -> None:
        person = self._somebody()
        await person.post("hand", action="raise", word=next(self._words))
        await _wait(HAND_STAYS)
        await person.post("hand", action="lower")

    async def _answer(self) -> None:
        wanted = self.hall.open_questions()
        if not wanted:
            return
        question = self.hall.questions[wanted[0]]
        await self.presenter.post(f"voices/questions/{wanted[0]}", action="take")
        await _wait(SPEAKING_OF_IT)
        answer = self._answers.get(_plain(question["text"]), "")
        await self.presenter.post(f"voices/questions/{wanted[0]}", action="answer", text=answer)

    async def _poll(self) -> None:
        given = next(self._polls, None)
        if given is None:
            return
        question, choices = given
        known = set(self.hall.polls)
        await self.presenter.post("voices/polls", question=question, choices="\n".join(choices), open="1")
        await asyncio.sleep(1)
        new = [pk for pk in self.hall.polls if pk not in known]
        if not new:
            return
        poll = f"polls/{new[0]}"
        await self.presenter.post(f"voices/{poll}", action="show")
        for person in random.sample(self.crowd, len(self.crowd) - 2):
            await _wait((0.5, 3))
            choice = random.choices(range(len(choices)), weights=range(len(choices), 0, -1))[0]
            await person.post(f"{poll}/vote", choice=str(choice))
        await asyncio.sleep(POLL_STAYS_S)
        await self.presenter.post(f"voices/{poll}", action="close")


def _plain(text: str) -> str:
    """A text with plain spaces, as the platform may keep it."""
    return " ".join(text.split())


async def _wait(pause: Pause) -> None:
    await asyncio.sleep(random.uniform(*pause))
