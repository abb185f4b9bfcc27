"""Our client of BigBlueButton against `amphi classroom` as each version that it plays, over sockets."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from amphi.bigbluebutton import (
    CallNotSupportedError,
    ChecksumRefusedError,
    HookNotFoundError,
    InvalidArgumentError,
    InvalidSignatureError,
    MeetingExistsError,
    MeetingNotFoundError,
    Presentation,
    Server,
    bot_parameters,
    chat,
    webhooks,
)
from tests.waiting import answers, wait_for
from tests.wire import WireServer, answer

SECRET = "a-secret-of-the-tests"
PATIENCE_S = 60.0
Told = TypeVar("Told", bound=webhooks.Event)


@dataclass
class Classroom:
    url: str
    profile: str
    digest: str

    def server(self, **options) -> Server:
        return Server(self.url, SECRET, **options)


# bbb-webhooks 2 knows one digest only.
@pytest.fixture(
    scope="module",
    params=[("2.6", "sha1"), ("2.7", "sha1"), ("3.0", "sha256"), ("4.0", "sha256")],
    ids=lambda one: one[0],
)
def classroom(request, tmp_path_factory) -> Iterator[Classroom]:
    profile, digest = request.param
    with WireServer(lambda _: b"") as taken:
        port = int(taken.url.rpartition(":")[2])
    log = tmp_path_factory.mktemp("classroom") / "log"
    arguments = ["--http", f"127.0.0.1:{port}", "--profile", profile, "--hooks-digest", digest]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "amphi", "classroom", *arguments],
            env={
                **os.environ,
                "AMPHI_CLASSROOM_SECRET": SECRET,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            stderr=output,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: process.poll() is not None or answers(f"{url}/healthz"), "the classroom")
        assert process.poll() is None, log.read_text()
        yield Classroom(url, profile, digest)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def meeting_id(request) -> str:
    return f"m-{request.node.name}"[:100].replace(",", "-")


@pytest.fixture
def receiver() -> Iterator[WireServer]:
    with WireServer(lambda _: answer("")) as server:
        yield server


def test_capabilities(classroom):
    capabilities = classroom.server().capabilities()
    assert capabilities.version.startswith(classroom.profile)
    assert capabilities.send_chat_message is (classroom.profile >= "3.0")
    assert capabilities.insert_document
    assert capabilities.webhooks


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_every_algorithm(classroom, algorithm):
    assert classroom.server(checksum=algorithm).is_running("nobody") is False


def test_wrong_secret(classroom):
    with pytest.raises(ChecksumRefusedError):
        Server(classroom.url, "another").meetings()


def test_create_again_and_with_other_passwords(classroom, meeting_id):
    server = classroom.server()
    passwords = {"attendeePW": "ap", "moderatorPW": "mp"}
    made = server.create(
        meeting_id, "Été à l’école", parameters={**passwords, "meta_Origin": "amphi", "duration": "90"}
    )
    assert (made.meeting_id, made.existed, made.duration_minutes) == (meeting_id, False, 90)
    assert abs(made.create_time_ms - time.time() * 1000) < PATIENCE_S * 1000
    again = server.create(meeting_id, "Été à l’école", parameters=passwords)
    assert (again.existed, again.internal_id) == (True, made.internal_id)
    with pytest.raises(MeetingExistsError):
        server.create(meeting_id, "Été", parameters={**passwords, "moderatorPW": "other"})
    info = server.meeting_info(meeting_id)
    assert (info.name, info.metadata["origin"], info.running, info.over) == (
        "Été à l’école",
        "amphi",
        False,
        False,
    )
    assert meeting_id in [one.meeting_id for one in server.meetings()]


@pytest.mark.parametrize("name", ["", "x"])
def test_name_that_is_refused_is_not_asked_for(classroom, meeting_id, name):
    """What the server says of such a name, `tests/classroom/test_api.py` holds."""
    with pytest.raises(InvalidArgumentError) as caught:
        classroom.server().create(meeting_id, name)
    assert caught.value.permanent


def test_unknown_meeting(classroom, meeting_id):
    server = classroom.server()
    assert server.is_running(meeting_id) is False
    for call in (server.meeting_info, server.end):
        with pytest.raises(MeetingNotFoundError):
            call(meeting_id)
    assert server.recordings(meeting_id=meeting_id) == []


def join(url: str) -> str:
    """Where the join leads."""
    response = httpx.get(url, trust_env=False, timeout=PATIENCE_S)
    assert response.status_code == httpx.codes.FOUND
    return response.headers["location"]


def test_join_url_leads_into_the_meeting(classroom, meeting_id):
    server = classroom.server()
    made = server.create(meeting_id, "Physique")
    parameters = bot_parameters(server.capabilities().version, show_chat=False)
    bot = server.join_url(meeting_id, "streaming", role="VIEWER", user_id="bot-1", parameters=parameters)
    teacher = server.join_url(
        meeting_id, "Ada L’Été & Cie", role="MODERATOR", create_time=made.create_time_ms
    )
    stale = server.join_url(meeting_id, "Late", role="VIEWER", create_time=made.create_time_ms - 1)
    assert "sessionToken=" in join(bot)
    assert "sessionToken=" in join(teacher)
    assert "sessionToken=" not in join(stale)
    assert "sessionToken=" not in join(teacher.replace("Ada", "Eve"))


def test_end(classroom, meeting_id):
    server = classroom.server()
    server.create(meeting_id, "Physique")
    server.end(meeting_id)

    def over() -> bool:
        try:
            return server.meeting_info(meeting_id).over
        except MeetingNotFoundError:
            return True

    wait_for(over, "the end")


def test_insert_document_into_nothing(classroom, meeting_id):
    with pytest.raises(MeetingNotFoundError):
        classroom.server().insert_document(
            meeting_id, [Presentation(name="a.pdf", url="http://127.0.0.1:9/a.pdf")]
        )


def test_hooks(classroom, meeting_id):
    server = classroom.server()
    server.create(meeting_id, "Physique")
    url = f"http://127.0.0.1:9/{classroom.profile}?a=1&b=é"
    made = server.create_hook(url, meeting_id=meeting_id)
    again = server.create_hook(url, meeting_id=meeting_id)
    assert (made.existed, again.existed, again.hook_id) == (False, True, made.hook_id)
    assert made.hook_id.isdigit() is (classroom.profile < "3.0")
    [listed] = [one for one in server.hooks(meeting_id) if one.hook_id == made.hook_id]
    assert (listed.callback_url, listed.meeting_id, listed.permanent) == (url, meeting_id, False)
    server.destroy_hook(made.hook_id)
    with pytest.raises(HookNotFoundError):
        server.destroy_hook(made.hook_id)


def test_deliveries_are_signed_and_understood(classroom, meeting_id, receiver):
    server = classroom.server()
    made = server.create(meeting_id, "Physique")
    callback_url = f"{receiver.url}/hooks?nonce=1"
    server.create_hook(callback_url, meeting_id=meeting_id)
    server.end(meeting_id)

    def ended():
        kept = [one for one in list(receiver.requests) if b"meeting-ended" in one.body]
        return kept[0] if kept else None

    delivery = wait_for(ended, "meeting-ended")
    checksum = delivery.query["checksum"]
    webhooks.verify(callback_url, delivery.body, checksum, SECRET, allowed={classroom.digest})
    webhooks.check_age(delivery.body, now_ms=int(time.time() * 1000))
    [event] = webhooks.parse(delivery.body)
    assert event == webhooks.MeetingEnded(
        meeting_id=meeting_id, internal_meeting_id=made.internal_id, sent_at_ms=event.sent_at_ms
    )
    with pytest.raises(InvalidSignatureError):
        webhooks.verify(callback_url, delivery.body + b"+", checksum, SECRET)


def test_chat_message_comes_back_as_an_echo(classroom, meeting_id, receiver):
    server = classroom.server()
    server.create(meeting_id, "Physique")
    if not server.capabilities().send_chat_message:
        with pytest.raises(CallNotSupportedError):
            server.send_chat_message(meeting_id, "x", user_name="Zoé")
        return
    callback_url = f"{receiver.url}/hooks"
    server.create_hook(callback_url, meeting_id=meeting_id)
    text = "C’est où ? <b>ici</b> & là"
    server.send_chat_message(meeting_id, text, user_name="Zoé")

    def said():
        kept = [one for one in list(receiver.requests) if b"chat-group-message-sent" in one.body]
        return kept[0] if kept else None

    delivery = wait_for(said, "the message")
    webhooks.verify(callback_url, delivery.body, delivery.query["checksum"], SECRET)
    [message] = webhooks.parse(delivery.body)
    assert isinstance(message, webhooks.ChatMessage)
    assert (message.meeting_id, message.sender_name, message.is_public) == (meeting_id, "Zoé", True)
    assert chat.strip_html(message.text) == text
    assert chat.is_echo(message)
    assert chat.is_echo(message, {"Zoé"})


def test_chat_message_to_an_unknown_meeting(classroom, meeting_id):
    if classroom.profile >= "3.0":
        with pytest.raises(MeetingNotFoundError):
            classroom.server().send_chat_message(meeting_id, "x")


@contextmanager
def seat(location: str) -> Iterator[ClientConnection]:
    """The page that a join led to, opened as its script does, once it is welcome."""
    parts = urlsplit(location)
    token = parse_qs(parts.query)["sessionToken"][0]
    query = urlencode({"sessionToken": token, "client": "page-1"})
    with connect(f"ws://{parts.netloc}/html5client/socket?{query}", proxy=None, max_queue=None) as socket:
        while json.loads(socket.recv(timeout=PATIENCE_S))["type"] != "welcome":
            pass
        yield socket


def told(receiver: WireServer, kind: type[Told]) -> Told:
    """The first event of a kind that was delivered."""

    def found() -> Told | None:
        events = [event for one in list(receiver.requests) for event in webhooks.parse(one.body)]
        return next((event for event in events if isinstance(event, kind)), None)

    return wait_for(found, kind.__name__)


def test_somebody_who_comes_speaks_raises_a_hand_and_goes(classroom, meeting_id, receiver):
    server = classroom.server()
    made = server.create(meeting_id, "Physique")
    server.create_hook(f"{receiver.url}/hooks", meeting_id=meeting_id)
    url = server.join_url(meeting_id, "Zoé & co", role="MODERATOR", user_id="amphi-7")
    with seat(join(url)) as page:
        info = server.meeting_info(meeting_id)
        [attendee] = info.attendees
        assert (attendee.user_id, attendee.full_name, attendee.role) == ("amphi-7", "Zoé & co", "MODERATOR")
        assert (info.running, info.participant_count, info.internal_id) == (True, 1, made.internal_id)
        assert server.is_running(meeting_id)
        came = told(receiver, webhooks.UserJoined)
        assert (came.external_user_id, came.name, came.role) == ("amphi-7", "Zoé & co", "MODERATOR")
        assert (came.meeting_id, came.internal_meeting_id) == (meeting_id, made.internal_id)
        page.send(json.dumps({"type": "chat", "text": "Bonjour & merci"}))
        said = told(receiver, webhooks.ChatMessage)
        assert (said.sender_name, chat.strip_html(said.text), said.is_public) == (
            "Zoé & co",
            "Bonjour & merci",
            True,
        )
        assert said.sender_user_id == came.user_id
        assert said.sender_external_id == ("amphi-7" if classroom.profile >= "3.0" else "")
        assert not chat.is_echo(said)
        page.send(json.dumps({"type": "hand", "raised": True}))
        if classroom.profile < "3.0":  # bbb-webhooks 2 tells of no hands
            page.send(json.dumps({"type": "leave"}))
            assert told(receiver, webhooks.UserLeft).user_id == came.user_id
            events = [event for one in receiver.requests for event in webhooks.parse(one.body)]
            assert not any(isinstance(event, webhooks.HandRaised) for event in events)
            return
        hand = told(receiver, webhooks.HandRaised)
        assert (hand.user_id, hand.external_user_id, hand.raised, hand.is_emoji) == (
            came.user_id,
            "amphi-7",
            True,
            False,
        )
        page.send(json.dumps({"type": "leave"}))
        assert told(receiver, webhooks.UserLeft).user_id == came.user_id


def test_insert_document(classroom, meeting_id, receiver):
    server = classroom.server()
    server.create(meeting_id, "Physique")
    server.insert_document(meeting_id, [Presentation(name="a.pdf", url=f"{receiver.url}/a.pdf")])
    wait_for(lambda: [one for one in receiver.requests if one.path == "/a.pdf"], "the document’s address")
