"""An origin without an edge: whether a ticket's holder may still watch, the platform is asked."""

import asyncio
import threading
import time

import pytest

from amphi.origin import ticket_questions
from amphi.origin.config import Config
from amphi.origin.ticket_questions import TicketQuestions
from amphi.system import tickets
from tests.origin.running import Publisher, http_client, ready, running_origin
from tests.wire import WireServer, answer

KEY = b"shared with the platform"
PATH = "hls/lecture.m3u8"


class Platform:
    """Answers as `/edge/ticket` does (`amphi.audience.edge`), and as a publisher's callback."""

    def __init__(self) -> None:
        self.status = 204
        self.max_age = 45
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.server = WireServer(self._answer)

    def _answer(self, request):
        if request.path != "/edge/ticket":
            return answer("", **{"X-Amphi-Event": "7"})
        self.asked += 1
        self.goes_on.wait(30)
        return answer("", status=f"{self.status} X", **{"Cache-Control": f"max-age={self.max_age}"})

    @property
    def url(self) -> str:
        return f"{self.server.url}/edge/ticket"


@pytest.fixture
def platform():
    found = Platform()
    yield found
    found.goes_on.set()
    found.server.close()


def ticket(viewer: str = "a1") -> str:
    return tickets.mint(KEY, tickets.Ticket(7, "lecture", viewer, int(time.time()) + 600))


async def test_picture_stops_once_the_platform_refuses(platform):
    platform.max_age = 0
    config = Config(on_publish=f"{platform.server.url}/on-publish", ticket_key=KEY, ticket_url=platform.url)
    async with running_origin(config) as origin, http_client(origin) as client:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
        await publisher.frames(31)
        await ready(client, f"/t/{ticket()}/{PATH}")
        platform.status = 403
        refused = await client.get(f"/t/{ticket()}/{PATH}")
        assert (refused.status_code, refused.text) == (403, "this ticket is not good now\n")
        platform.status = 204
        await ready(client, f"/t/{ticket()}/{PATH}")
        await publisher.close()


async def test_forged_ticket_is_not_asked_about(platform):
    async with (
        running_origin(Config(ticket_key=KEY, ticket_url=platform.url)) as origin,
        http_client(origin) as client,
    ):
        forged = tickets.mint(b"forged", tickets.Ticket(7, "lecture", "a1", int(time.time()) + 600))
        assert (await client.get(f"/t/{forged}/{PATH}")).status_code == 403
    assert platform.asked == 0


async def test_each_ticket_is_asked_about_once_while_the_answer_holds(platform):
    questions = TicketQuestions(platform.url)
    answers = await asyncio.gather(*(questions.allow(name, "lecture") for name in ("one", "two") * 50))
    assert (all(answers), platform.asked) == (True, 2)
    platform.status = 403
    assert await questions.allow("one", "lecture")
    assert not await questions.allow("three", "lecture")
    await questions.close()


@pytest.mark.parametrize("how", ["silent", "errors"])
async def test_while_the_platform_is_away_who_watched_goes_on_and_nobody_begins(platform, how):
    questions = TicketQuestions(platform.url)
    platform.max_age = 0
    assert await questions.allow("one", "lecture")
    if how == "silent":
        platform.server.close()
    else:
        platform.status = 500
    assert await questions.allow("one", "lecture")
    assert not await questions.allow("two", "lecture")
    await questions.close()


async def test_platform_that_hangs_keeps_nobody_waiting_who_watched(platform, monkeypatch):
    platform.max_age = 0
    questions = TicketQuestions(platform.url)
    assert await questions.allow("one", "lecture")
    # Only now: the first answer also waits for the certificate authorities to be loaded.
    monkeypatch.setattr(ticket_questions, "PATIENCE_S", 0.01)
    monkeypatch.setattr(ticket_questions, "TIMEOUT_S", 0.2)
    platform.goes_on.clear()
    assert all([await questions.allow("one", "lecture") for _ in range(5)])
    assert platform.asked <= 2  # all of them wait for the same answer
    assert not await questions.allow("two", "lecture")  # nobody begins
    platform.goes_on.set()
    platform.status = 403
    async with asyncio.timeout(30):
        while await questions.allow("one", "lecture"):  # noqa: ASYNC110 -- the answer itself is waited for
            await asyncio.sleep(0.01)
    await questions.close()


async def test_platform_that_stays_away_ends_what_it_allowed(platform, monkeypatch):
    monkeypatch.setattr(ticket_questions, "STALE_S", 0.0)
    platform.max_age = 0
    questions = TicketQuestions(platform.url)
    assert await questions.allow("one", "lecture")
    platform.status = 500
    assert not await questions.allow("one", "lecture")
    await questions.close()


async def test_what_is_remembered_is_bounded(platform, monkeypatch):
    monkeypatch.setattr(ticket_questions, "MOST_REMEMBERED", 3)
    questions = TicketQuestions(platform.url)
    for number in range(10):
        assert await questions.allow(str(number), "lecture")
    assert len(questions._known) == 3
    await questions.close()
