"""What is hidden or deleted is in no stream any more: not in the log, not in a hub that read it before."""

import json
import re
from collections.abc import Iterator

import pytest

from amphi.audience import domain, moderation, polls, questions
from amphi.audience.channel import Channel, Reading
from amphi.audience.models import Event, QuestionState, StreamMessage
from amphi.audience.options import DiscussionOptions, change_discussion
from amphi.audience.queries import DatabaseLog
from amphi.audience.redaction import redacted, unnamed
from amphi.audience.speakers import account_speaker
from tests.audience.hall import hall, listener, told

SECRET = "un secret"


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(enable_questions=True, enable_chat=True)


def hide_message(event: Event) -> Iterator[None]:
    speaker = listener()
    message = domain.write_message(event, speaker=speaker, text=SECRET)
    reply = domain.write_message(event, speaker=speaker, text="la réponse", reply_to=message.pk)
    domain.write_message(event, speaker=speaker, text="la suite", reply_to=reply.pk)
    moderation.pin(event, message.pk)
    moderation.pin(event, reply.pk)
    yield
    moderation.hide(event, message.pk, by=event.owner)


def delete_message(event: Event) -> Iterator[None]:
    message = domain.write_message(event, speaker=listener(), text=SECRET)
    moderation.pin(event, message.pk)
    yield
    moderation.delete([message])


def exclude_author(event: Event) -> Iterator[None]:
    speaker = listener()
    messages = [domain.write_message(event, speaker=speaker, text=f"{SECRET} {n}") for n in range(3)]
    questions.ask(event, by=speaker, text=SECRET)
    yield
    moderation.restrain(event, messages[0].pk, kind="banned", by=event.owner)


def hide_question(event: Event) -> Iterator[None]:
    question = questions.ask(event, by=listener(), text=SECRET)
    questions.answer(event, question.pk, f"{SECRET} de même")
    yield
    questions.set_state(event, question.pk, QuestionState.HIDDEN)


def delete_poll(event: Event) -> Iterator[None]:
    poll = polls.make(
        event, question=SECRET, choices=[SECRET, "b"], multiple=False, opens=True, user=event.owner
    )
    polls.close_poll(event, poll.pk)
    yield
    polls.delete_poll(event, poll.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("what", [hide_message, delete_message, exclude_author, hide_question, delete_poll])
def test_page_that_resumes_never_gets_what_was_taken_back(event, what):
    domain.write_message(event, speaker=listener(), text="autre chose")
    log, steps = DatabaseLog(), what(event)
    next(steps)
    channel = Channel(event.pk, log.opening(event.pk, 512), 512)
    assert SECRET in channel.since(0).decode()
    event.refresh_from_db()
    next(steps, None)
    # Of the log, whether a hub reads it now or had read it before.
    rows = StreamMessage.objects.filter(channel_id=event.pk)
    assert not rows.filter(data__contains=SECRET).exists()
    channel.append(log.after({event.pk: channel.head})[event.pk])
    sent = (channel.snapshot() + channel.since(0)).decode()
    assert SECRET not in sent
    assert "autre chose" in sent
    # Every number is still there: whoever counts misses none.
    assert [row.seq for row in rows.order_by("seq")] == list(range(1, channel.head + 1))
    assert told(event, "message")[0]["text"] == "autre chose"


MESSAGE = {"id": "m", "text": "x", "reply": {"id": "q", "text": "y"}}


@pytest.mark.parametrize(
    ("kind", "data", "gone", "left"),
    [
        ("message", MESSAGE, "m", ("hidden", {"ids": ["m"]})),
        ("message", MESSAGE, "q", ("message", {**MESSAGE, "reply": None})),
        ("message", MESSAGE, "z", ("message", MESSAGE)),
        ("pin", {"message": MESSAGE, "at": "now"}, "m", ("pin", {"message": None, "at": "now"})),
        ("pin", {"message": MESSAGE}, "q", ("pin", {"message": {**MESSAGE, "reply": None}})),
        ("pin", {"message": None}, "m", ("pin", {"message": None})),
        ("question", {"id": "m", "text": "x"}, "m", ("question", {"id": "m", "state": "hidden"})),
        ("poll", {"id": "m", "question": "x"}, "m", ("poll", {"id": "m", "state": "draft"})),
        ("reacted", {"sums": {"m": {}}}, "m", ("reacted", {"sums": {"m": {}}})),
    ],
)
def test_what_is_left_of_a_message(kind, data, gone, left):
    kind, text = redacted(kind, json.dumps(data), {gone})
    assert (kind, json.loads(text)) == left


def test_hub_forgets_only_what_is_gone():
    channel = Channel(1, Reading(0, [], {"pinned": MESSAGE}), 8)
    assert '"y"' in channel.snapshot().decode()
    channel._forget(frozenset({"q"}))
    assert '"y"' not in channel.snapshot().decode()


def hide_names(event: Event, *, hidden: bool) -> None:
    values = {name: getattr(event, name) for name in DiscussionOptions.__slots__}
    change_discussion(event, DiscussionOptions(**{**values, "names_hidden": hidden}))


@pytest.mark.django_db
def test_page_that_resumes_never_gets_a_name_that_is_hidden_since(event):
    speaker, presenter = listener("Zénobie"), account_speaker(event.owner, event)
    first = domain.write_message(event, speaker=speaker, text="un")
    lecturer = domain.write_message(event, speaker=presenter, text="deux", reply_to=first.pk)
    domain.write_message(event, speaker=speaker, text="trois", reply_to=lecturer.pk)
    moderation.pin(event, first.pk)
    questions.ask(event, by=speaker, text="quatre ?")
    log = DatabaseLog()
    event.refresh_from_db()
    channel = Channel(event.pk, log.opening(event.pk, 512), 512)
    assert "Zénobie" in channel.since(0).decode()
    hide_names(event, hidden=True)
    # A hub that had read them, one that opens now, and whoever missed much.
    channel.append(log.after({event.pk: channel.head})[event.pk])
    late = Channel(event.pk, log.opening(event.pk, 512), 512)
    gap = "".join(row.data for row in log.between(event.pk, 0, channel.head))
    for sent in (*(one.snapshot().decode() + one.since(0).decode() for one in (channel, late)), gap):
        assert "Zénobie" not in sent
        assert {"un", "deux", "trois", "quatre ?", str(event.owner)} <= set(re.findall('"([^"]*)"', sent))
    hide_names(event, hidden=False)
    assert "Zénobie" in Channel(event.pk, log.opening(event.pk, 512), 512).since(0).decode()


def said(author: str, role: str, reply: object = None) -> dict[str, object]:
    return {"id": "m", "author": author, "role": role, "reply": reply}


@pytest.mark.parametrize(
    ("kind", "data", "left"),
    [
        ("message", said("Z", "listener"), said("", "listener")),
        ("message", said("Z", "guest"), said("", "guest")),
        ("message", said("P", "presenter"), said("P", "presenter")),
        ("message", said("P", "moderator", {"author": "Z"}), said("P", "moderator", {"author": ""})),
        ("pin", {"message": said("Z", "listener")}, {"message": said("", "listener")}),
        ("pin", {"message": None}, {"message": None}),
        ("question", {"id": "q", "author": "Z"}, {"id": "q", "author": ""}),
        ("question", {"id": "q", "state": "hidden"}, {"id": "q", "state": "hidden"}),
        ("votes", {"votes": {}}, {"votes": {}}),
    ],
)
def test_what_is_left_without_names(kind, data, left):
    assert json.loads(unnamed(kind, json.dumps(data))) == left
