"""How many pages are made at once: a real Django page in a real place."""

import asyncio
import json
import threading
from collections import Counter
from io import BytesIO

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, override_settings
from django.urls import path

from amphi.pages import places
from amphi.pages.places import Lane, Pages, Places, Request
from amphi.system import request_ids

TOTAL = 14


class Door:
    """A page that ends when it is told, and notes which threads made it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = threading.Semaphore(0)
        self.threads: Counter[str] = Counter()
        self.read: list[bytes] = []

    def __call__(self, request, **_):
        self.threads[threading.current_thread().name] += 1
        self.inside.release()
        assert self.opened.wait(30)
        return HttpResponse("made")


door = Door()


def page(request: HttpRequest) -> HttpResponse:
    return door(request)


def own_id(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request_ids.current())


def reads_late(request: HttpRequest) -> HttpResponse:
    answer = door(request)
    door.read.append(request.read())
    return answer


urlpatterns = [path("", page), path("accounts/login/", page), path("id/", own_id), path("late/", reads_late)]


@pytest.fixture(autouse=True)
def fresh():
    global door  # noqa: PLW0603 -- the addresses above name it
    door = Door()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield
    door.opened.set()


def ask(pages: Pages, path: str = "/", method: str = "GET", **headers: str) -> "asyncio.Task[HttpResponse]":
    asked = AsyncRequestFactory().generic(method, path, headers=headers)
    request = Request(asked.scope, BytesIO())
    return asyncio.create_task(pages.answer_to(request))


async def begun(number: int) -> None:
    for _ in range(number):
        assert await asyncio.to_thread(door.inside.acquire, timeout=30)


async def test_requests_beyond_the_places_wait_and_each_is_answered():
    pages = Pages(Places(TOTAL))
    asked = [ask(pages) for _ in range(30)]
    await begun(5)
    assert len(door.threads) == 5
    door.opened.set()
    assert [answer.content for answer in await asyncio.gather(*asked)] == [b"made"] * 30
    assert len(door.threads) <= 5


async def test_beyond_the_queue_it_is_said_in_both_languages(monkeypatch):
    monkeypatch.setattr(places, "QUEUE_PER_PLACE", 1)
    pages = Pages(Places(TOTAL))
    asked = [ask(pages) for _ in range(10)]
    await begun(5)
    refused = await ask(pages)
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert "Trop de monde à la fois" in refused.content.decode()
    assert "Too many people at once" in refused.content.decode()
    assert b'"busy"' in (await ask(pages, Accept="application/json")).content
    problem = await ask(pages, "/api/v1/meetings", **{"Accept-Language": "en"})
    assert (problem["Content-Type"], problem["Retry-After"]) == ("application/problem+json", "5")
    assert json.loads(problem.content)["title"] == "Too many requests at once"
    door.opened.set()
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


async def test_nobody_waits_for_long(monkeypatch):
    monkeypatch.setattr(places, "PATIENCE_S", 0.05)
    pages = Pages(Places(TOTAL))
    asked = [ask(pages) for _ in range(5)]
    await begun(5)
    assert (await ask(pages)).status_code == 503
    door.opened.set()
    await asyncio.gather(*asked)


async def test_crowd_in_one_lane_leaves_the_others():
    pages = Pages(Places(TOTAL))
    crowd = [ask(pages, "/accounts/login/", "POST") for _ in range(40)]
    await begun(2)
    reading, writing = ask(pages), ask(pages, "/", "POST")
    await begun(2)
    door.opened.set()
    assert [(await task).status_code for task in (reading, writing, *crowd)] == [200] * 42


async def test_request_that_is_given_up_keeps_its_place_while_its_view_runs(monkeypatch):
    lane = Lane("test", 1)
    pages = Pages(Places(TOTAL))
    monkeypatch.setattr(pages._places, "lane_for", lambda *_: lane)
    given_up = ask(pages)
    await begun(1)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert lane._free.empty()
    door.opened.set()
    assert (await ask(pages)).status_code == 200


async def test_one_that_is_given_up_while_it_waits_takes_no_place():
    lane = Lane("test", 1)
    running = asyncio.create_task(lane.run(lambda: door(None)))
    await begun(1)
    waiting = asyncio.create_task(lane.run(lambda: "never"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    door.opened.set()
    await running
    async with asyncio.timeout(30):
        assert await lane.run(lane._free.empty) is True


async def test_error_in_a_call_frees_the_place():
    lane = Lane("test", 1)
    with pytest.raises(ZeroDivisionError):
        await lane.run(lambda: 1 // 0)
    async with asyncio.timeout(30):
        assert await lane.run(lambda: "made") == "made"


async def test_listener_who_goes_away_is_forgotten_and_one_who_stays_is_answered(monkeypatch):
    lane = Lane("test", 1)
    pages = Pages(Places(TOTAL))
    monkeypatch.setattr(pages._places, "lane_for", lambda *_: lane)
    sent: list[dict[str, object]] = []
    left = asyncio.Event()

    def asked(path: str) -> "asyncio.Task[None]":
        messages = [{"type": "http.request", "body": b""}]

        async def receive():
            if messages:
                return messages.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append({"path": path, **message})

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        return asyncio.create_task(pages(scope, receive, send))

    first, second = asked("/"), asked("/accounts/login/")
    await begun(1)
    assert lane._waiting == 1
    left.set()
    await asyncio.gather(first, second)
    assert (sent, lane._waiting) == ([], 0)
    left.clear()
    door.opened.set()
    await asked("/id/")
    assert [one["path"] for one in sent] == ["/id/", "/id/"]
    assert sent[0]["status"] == 200
    assert len(sent[1]["body"]) == request_ids.LENGTH
    assert door.threads.total() == 1


async def test_view_that_outlives_its_client_reads_all_that_was_sent(monkeypatch):
    lane = Lane("test", 1)
    pages = Pages(Places(TOTAL))
    monkeypatch.setattr(pages._places, "lane_for", lambda *_: lane)
    messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"all of it"}]
    came = asyncio.Event()

    async def receive():
        if len(messages) == 1:
            await came.wait()
        return messages.pop()

    async def send(message):
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/late/", "headers": [], "query_string": b""}
    asked = asyncio.create_task(pages(scope, receive, send))
    await begun(1)
    came.set()
    await asked
    door.opened.set()
    async with asyncio.timeout(30):
        await lane.run(lambda: None)
    assert door.read == [b"all of it"]


@pytest.mark.parametrize("total", [12, 13, 24, 100])
def test_every_lane_has_places(total):
    lanes = Places(total)
    asked = [
        ("GET", "/"),
        ("POST", "/live/a/messages"),
        ("POST", "/accounts/login/"),
        ("POST", "/admin/login/"),
        ("POST", "/webinars/on-publish"),
        ("POST", "/webinars/meetings/nonce/events"),
        ("GET", "/webinars/meetings/nonce/ended"),
        ("GET", "/accounts/sign-on/cas/back/"),
        ("POST", "/accounts/sign-on/directory/"),
    ]
    found = [lanes.lane_for(*one) for one in asked]
    assert len(set(found)) == 5
    assert sum(lane._free.qsize() for lane in set(found)) == total


@pytest.mark.parametrize(
    ("given", "is_kept"), [("5f" * 16, True), ("5F" * 16, False), ("x\ny", False), ("", False)]
)
async def test_page_has_the_id_of_its_request(given, is_kept):
    pages = Pages(Places(TOTAL))
    answers = [await ask(pages, "/id/", **{request_ids.HEADER: given}) for _ in range(2)]
    told = [answer.headers[request_ids.HEADER] for answer in answers]
    assert [answer.content.decode() for answer in answers] == told
    assert all(request_ids.given(one) for one in told)
    assert (told == [given] * 2) is is_kept
    assert len(set(told)) == (1 if is_kept else 2)
    assert not request_ids.current()
