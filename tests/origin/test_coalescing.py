"""Requests in the same words: read once, answered together, each within its own time."""

import asyncio
import contextlib
import re
import time

import pytest

from amphi.origin.coalescing import Words
from amphi.origin.config import Config
from amphi.origin.http_app import OriginApp
from amphi.origin.waiting import Waiting
from tests.origin.running import PATIENCE_S, eventually, running_origin


@pytest.fixture
async def origin():
    async with running_origin(Config(open=True, slate=False, metrics_token="m" * 40)) as running:
        yield running


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The paths of which the application was asked."""
    found: list[str] = []
    at_once = OriginApp.at_once

    def noted(self, scope, **kwargs):
        found.append(scope["path"])
        return at_once(self, scope, **kwargs)

    monkeypatch.setattr(OriginApp, "at_once", noted)
    return found


def _playlist(origin):
    return origin.origin.streams.get("lecture").playlist


def _blocked(origin) -> int:
    return origin.origin.streams.get("lecture").blocked


def _next(origin) -> str:
    return f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 1}&_HLS_part=1"


class Player:
    """A connection as nginx keeps them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def ask(self, path: str, more: str = "") -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: origin\r\n{more}\r\n".encode())

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(PATIENCE_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])
            return int(head.split()[1]), await self._reader.readexactly(length)


async def _answered(player: Player) -> int:
    """How often the origin has answered 200."""
    player.ask("/metrics", f"Authorization: Bearer {'m' * 40}\r\n")
    found = re.search(rb'amphi_origin_answers_total{status="200"} (\d+)', (await player.answer())[1])
    assert found
    return int(found[1])


@pytest.fixture
async def players(origin):
    """Opens so many connections; those that have not asked yet, where `asks` is false."""
    opened: list[Player] = []

    async def opening(number: int, *, asks: bool = True) -> list[Player]:
        found = [Player(*await asyncio.open_connection("127.0.0.1", origin.http_port)) for _ in range(number)]
        opened.extend(found)
        for player in found if asks else []:
            # A connection's first head has a time limit, and is read.
            player.ask("/hls/nobody.m3u8")
            assert (await player.answer())[0] == 404
        return found

    yield opening
    for player in opened:
        player.writer.close()
        with contextlib.suppress(ConnectionError):
            await player.writer.wait_closed()


async def test_who_asks_in_the_words_of_those_who_wait_is_not_read(origin, lecture, patient, read, players):
    (counter, *crowd), path = await players(31), _next(origin)
    before = await _answered(counter)
    read.clear()
    for player in crowd:
        player.ask(path)
    await eventually(lambda: _blocked(origin) == 30)
    assert len(read) == 1
    await lecture.frames(5)
    answers = [await player.answer() for player in crowd]
    # Once more for the answer, and whenever something came that was not yet it.
    assert len(read) <= 7
    assert {status for status, _ in answers} == {200}
    assert len({body for _, body in answers}) == 1
    assert _blocked(origin) == 0
    # Each counts, and each may go on.
    # The figures themselves were answered as well.
    assert await _answered(counter) == before + 1 + 30
    crowd[1].ask("/hls/lecture.m3u8")
    assert (await crowd[1].answer())[0] == 200


async def test_a_connections_first_request_waits_with_the_others(origin, lecture, patient, read, players):
    (waiting,), (new,) = await players(1), await players(1, asks=False)
    path = _next(origin)
    waiting.ask(path)
    await eventually(lambda: _blocked(origin) == 1)
    new.ask(path)
    await eventually(lambda: _blocked(origin) == 2)
    read.clear()
    await lecture.frames(5)
    assert await waiting.answer() == await new.answer()
    assert len(read) <= 5


async def test_who_leaves_takes_nobody_along(origin, lecture, patient, players):
    first, second, third = await players(3)
    for player in (first, second, third):
        player.ask(_next(origin))
    await eventually(lambda: _blocked(origin) == 3)
    first.writer.close()
    await eventually(lambda: _blocked(origin) == 2)
    await lecture.frames(5)
    assert (await second.answer())[0] == (await third.answer())[0] == 200


async def test_when_all_have_left_nothing_is_kept(origin, lecture, patient, players):
    both = await players(2)
    for player in both:
        player.ask(_next(origin))
    await eventually(lambda: _blocked(origin) == 2)
    words = origin.origin._http.config.loaded_app.words
    assert len(words.waiting) == 1
    for player in both:
        player.writer.close()
    await eventually(lambda: _blocked(origin) == 0)
    assert not words.waiting


async def test_each_blocks_for_its_own_time(origin, lecture, monkeypatch, players):
    monkeypatch.setattr("amphi.origin.http_app.BLOCK_TARGETS", 1)
    first, second = await players(2)
    path = _next(origin)

    async def waited_s(player: Player) -> float:
        began = time.monotonic()
        player.ask(path)
        assert (await player.answer())[0] == 503
        return time.monotonic() - began

    waits = asyncio.create_task(waited_s(first))
    await eventually(lambda: _blocked(origin) == 1)
    await asyncio.sleep(0.5)
    assert await waited_s(second) > 0.95
    assert await waits > 0.95


async def test_others_words_for_the_same_are_answered_as_well(origin, lecture, patient, players):
    one, other = await players(2)
    one.ask(_next(origin))
    other.ask(_next(origin), "X-Other: words\r\n")
    await eventually(lambda: _blocked(origin) == 2)
    await lecture.frames(5)
    assert await one.answer() == await other.answer()


async def test_what_was_asked_before_is_answered_anew(origin, lecture, players):
    (player,) = await players(1)
    found = set()
    for number in range(4):
        player.ask("/hls/lecture/main.m3u8")
        found.add((await player.answer())[1])
        await lecture.frames(25)
        await eventually(lambda number=number: _playlist(origin).next_part == 6 + 5 * (number + 1))
    assert len(found) == 4


async def test_what_is_not_one_request_is_never_known_by_its_words(origin, lecture, players):
    """A body that comes later, a head in two pieces, two requests in one piece: each is read to its end."""
    body, path = "Content-Length: 5\r\n", "/hls/lecture.m3u8"
    for _ in range(3):
        (player,) = await players(1)
        player.ask(path, body)
        assert (await player.answer())[0] == 200
        player.writer.write(b"GET /")
        player.ask("/hls/lecture/main.m3u8")
        assert (await player.answer())[1].startswith(b"#EXTM3U")
    for _ in range(3):
        (player,) = await players(1)
        player.writer.write(f"GET {path} HTTP/1.1\r\nHo".encode())
        await player.writer.drain()
        await asyncio.sleep(0.05)
        player.writer.write(b"st: origin\r\n\r\n")
        assert (await player.answer())[0] == 200
        for _ in range(2):
            player.ask(path)
            player.ask("/hls/nobody.m3u8")
            assert [(await player.answer())[0] for _ in range(2)] == [200, 404]
    known = origin.origin._http.config.loaded_app.words.known
    assert not [words for words in known if b"Length" in words or words.count(b"GET") > 1]


def test_words_are_kept_when_they_come_again_and_never_too_many(monkeypatch):
    monkeypatch.setattr("amphi.origin.coalescing.MOST_KNOWN", 2)
    words = Words()
    words.learn(b"once", {})
    assert not words.known
    words.learn(b"once", {})
    assert set(words.known) == {b"once"}
    for number in range(9):
        words.learn(b"%d" % number, {})
        words.learn(b"%d" % number, {})
        assert len(words.known) <= 2
        assert b"%d" % number in words.known


def test_the_fewest_are_answered_first():
    class Group(list):
        __hash__ = object.__hash__

        async def call(self, _turn) -> None:
            called.append(len(self))

    async def run() -> None:
        waiting = Waiting()
        for size in (3, 1, 2):
            waiting.call_at_change(Group([None] * size))
        waiting.wake()
        await eventually(lambda: len(called) == 3)

    called: list[int] = []
    asyncio.run(run())
    assert called == [1, 2, 3]
