"""Publishers on real sockets: who may, who replaces whom, and who harms nobody."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from amphi.origin import access, server
from amphi.origin.config import Config
from amphi.origin.strangers import in_excess
from tests.origin.running import PATIENCE_S, Publisher, eventually, http_client, running_origin
from tests.wire import WireServer, answer

OPEN = Config(open=True, stale=timedelta(milliseconds=300), grace=timedelta(milliseconds=500))


def _code(information: dict) -> str:
    return information["code"]


async def _media(origin) -> str:
    async with http_client(origin) as client:
        return (await client.get("/hls/lecture/main.m3u8")).text


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not RTMP"),
        (b"\3" + bytes(1536 * 2) + b"\xc9", "without a header"),
        (b"\3" + bytes(1536 * 2) + b"\x03\0\0\0\xff\xff\xff\x14\0\0\0\0", "beyond the limit"),
        (b"\3" + bytes(1536 * 2) + b"\x03\0\0\0\0\0\1\x14\0\0\0\0\x42", "unknown type marker"),
    ],
)
async def test_malformed_rtmp_closes_that_connection_and_no_other(caplog, garbage, reason):
    caplog.set_level(logging.INFO)
    async with running_origin(OPEN) as origin:
        healthy = await Publisher.publishing(origin.rtmp_port, "lecture")
        await healthy.frames(30)
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.rtmp_port)
        writer.write(garbage)
        broken = Publisher(reader, writer)
        await broken.closed_by_origin()
        await healthy.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.last_number)
        stream = origin.origin.streams.get("lecture")
        await eventually(lambda: len(stream.playlist.segments) == 2)
        assert stream.publisher is not None
        await healthy.leave()
    assert reason in caplog.text


async def test_malformed_media_closes_that_publisher_with_its_reason(caplog):
    async with running_origin(OPEN) as origin:
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        publisher.send(9, 0, b"\x17\0\0\0\0nonsense")
        assert "malformed" in (await publisher.answer("onStatus"))[3]["description"]
        await publisher.closed_by_origin()
    assert "closed: the H.264 configuration is malformed" in caplog.text


async def test_a_clean_end_ends_the_playlist_at_once_and_the_next_is_fresh():
    async with running_origin(Config(open=True)) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "lecture")
        await first.frames(30)
        await first.leave()
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ended)
        before = origin.origin.streams.get("lecture").playlist
        assert (await _media(origin)).endswith("#EXT-X-ENDLIST\n")
        second = await Publisher.publishing(origin.rtmp_port, "lecture")
        await second.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
        after = origin.origin.streams.get("lecture").playlist
        assert after.session != before.session
        assert after.segments[0].number > before.last_number
        async with http_client(origin) as client:
            assert (await client.get(f"/hls/lecture/{before.session}/p0.m4s")).status_code == 200
            assert (await client.get(f"/hls/lecture/{after.session}/p0.m4s")).status_code == 200
        await second.leave()


async def test_a_lost_publisher_that_comes_back_continues_with_a_discontinuity():
    async with running_origin(Config(open=True)) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "lecture")
        await first.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
        stream = origin.origin.streams.get("lecture")
        await first.close()
        await eventually(lambda: stream.publisher is None)
        assert "ENDLIST" not in await _media(origin)
        assert "PRELOAD-HINT" in await _media(origin)
        second = await Publisher.publishing(origin.rtmp_port, "lecture")
        await second.frames(30)
        await eventually(lambda: len(stream.playlist.segments) == 3)
        assert origin.origin.streams.get("lecture") is stream
        assert (await _media(origin)).count("#EXT-X-DISCONTINUITY\n") == 1
        assert [segment.discontinuity for segment in stream.playlist.segments] == [False, False, True]
        await second.leave()


async def test_a_lost_publisher_that_stays_away_ends_the_playlist_which_is_forgotten_later():
    config = Config(open=True, grace=timedelta(milliseconds=200), remember=timedelta(milliseconds=300))
    async with running_origin(config) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        await publisher.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
        stream = origin.origin.streams.get("lecture")
        await publisher.close()
        await eventually(lambda: stream.playlist.ended)
        await eventually(lambda: origin.origin.streams.get("lecture") is None)


async def test_a_second_publisher_is_refused_while_the_first_is_alive(caplog):
    async with running_origin(Config(open=True)) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "lecture?key=a")
        await first.frames(30)
        second = await Publisher.connect(origin.rtmp_port)
        assert _code(await second.publish("lecture?key=a")) == "NetStream.Publish.Denied"
        await second.closed_by_origin()
        assert origin.origin.streams.get("lecture").publisher is not None
        await first.leave()
    assert "live/lecture: somebody else publishes it" in caplog.text


async def test_a_silent_publisher_is_replaced_by_one_with_its_key_only():
    async with running_origin(OPEN) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "lecture?key=a")
        await first.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
        stream = origin.origin.streams.get("lecture")
        holder = stream.publisher
        holder.last_received -= 60
        thief = await Publisher.connect(origin.rtmp_port)
        assert _code(await thief.publish("lecture?key=b")) == "NetStream.Publish.Denied"
        await thief.close()
        second = await Publisher.publishing(origin.rtmp_port, "lecture?key=a")
        await first.closed_by_origin()
        await second.frames(30)
        await eventually(lambda: len(stream.playlist.segments) == 3)
        assert stream.publisher is not holder
        assert not stream.playlist.ended
        await second.leave()


@pytest.mark.parametrize(
    ("app", "name"), [("vod", "lecture"), ("live", "a/b"), ("live", "é"), ("live", "x" * 65)]
)
async def test_other_addresses_are_refused(app, name):
    async with running_origin(OPEN) as origin:
        publisher = await Publisher.connect(origin.rtmp_port, app)
        assert _code(await publisher.publish(name)) == "NetStream.Publish.Denied"
        await publisher.closed_by_origin()


async def test_the_list_of_keys(caplog):
    async with running_origin(Config(keys={"lecture": "secret"})) as origin:
        for name in ("lecture?key=wrong", "lecture", "other?key=secret"):
            publisher = await Publisher.connect(origin.rtmp_port)
            assert _code(await publisher.publish(name)) == "NetStream.Publish.Denied"
            await publisher.close()
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
        await publisher.leave()
    assert "secret" not in caplog.text


async def test_nobody_may_publish_before_a_setting_says_who(caplog):
    async with running_origin(Config()) as origin:
        publisher = await Publisher.connect(origin.rtmp_port)
        assert _code(await publisher.publish("lecture")) == "NetStream.Publish.Denied"
        await publisher.close()
    assert "AMPHI_ORIGIN_ON_PUBLISH or AMPHI_ORIGIN_KEYS" in caplog.text


class _Callbacks:
    """What the callback server was told, and what it answers."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.server = WireServer(lambda _: answer("", self.status))

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(httpx.QueryParams(request.body.decode())) for request in self.server.requests]

    def config(self) -> Config:
        return Config(on_publish=f"{self.server.url}/p", on_publish_done=f"{self.server.url}/d")


@pytest.fixture
def callbacks():
    found = _Callbacks()
    yield found
    found.server.close()


async def test_the_callbacks_say_who_publishes_and_that_it_ended(callbacks):
    async with running_origin(callbacks.config()) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret&name=forged")
        await publisher.leave()
        await eventually(lambda: len(callbacks.forms) == 2)
    fields = {"app": "live", "name": "lecture", "addr": "127.0.0.1", "key": "secret"}
    for form, call in zip(callbacks.forms, ("publish", "publish_done"), strict=True):
        assert form.items() >= (fields | {"call": call}).items()
    assert [request.path for request in callbacks.server.requests] == ["/p", "/d"]


@pytest.mark.parametrize(
    "status", ["403 Forbidden", "302 Found", "404 Not Found", "500 Internal Server Error"]
)
async def test_any_other_answer_refuses(callbacks, status):
    callbacks.status = status
    async with running_origin(callbacks.config()) as origin:
        publisher = await Publisher.connect(origin.rtmp_port)
        assert _code(await publisher.publish("lecture?key=a")) == "NetStream.Publish.Denied"
        await publisher.closed_by_origin()


async def test_who_was_allowed_may_come_back_while_the_callback_server_is_down(callbacks, caplog):
    async with running_origin(callbacks.config()) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
        await publisher.leave()
        await eventually(lambda: len(callbacks.forms) == 2)
        callbacks.server.close()
        stranger = await Publisher.connect(origin.rtmp_port)
        assert _code(await stranger.publish("lecture?key=other")) == "NetStream.Publish.Denied"
        await stranger.close()
        again = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
        await again.leave()
    assert "allowed as it was before" in caplog.text
    assert "secret" not in caplog.text


async def test_a_publisher_that_has_not_begun_to_speak_does_not_hold_up_the_stop():
    async with running_origin(OPEN) as origin:
        _, writer = await asyncio.open_connection("127.0.0.1", origin.rtmp_port)
    writer.close()


async def test_a_publisher_starts_though_three_hundred_say_nothing(caplog):
    caplog.set_level(logging.INFO)
    async with running_origin(OPEN) as origin:
        silent = [await asyncio.open_connection("127.0.0.1", origin.rtmp_port) for _ in range(150)]
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        silent += [await asyncio.open_connection("127.0.0.1", origin.rtmp_port) for _ in range(150)]
        await publisher.frames(60)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
        other = await Publisher.publishing(origin.rtmp_port, "other")
        for found in (publisher, other):
            await found.leave()
        # The last of them are kept, for the time that a handshake may take.
        assert "publisher 1 from 127.0.0.1: dropped: too many connections that don't publish" in caplog.text
        for _, writer in silent:
            writer.close()


async def test_who_says_nothing_is_not_kept(monkeypatch, caplog):
    monkeypatch.setattr(server, "HANDSHAKE_TIMEOUT", timedelta(milliseconds=200))
    monkeypatch.setattr(server, "START_TIMEOUT", timedelta(milliseconds=400))
    async with running_origin(OPEN) as origin:
        silent, unused = await asyncio.open_connection("127.0.0.1", origin.rtmp_port)
        half, writer = await asyncio.open_connection("127.0.0.1", origin.rtmp_port)
        writer.write(b"\3" + bytes(1536))
        connected = await Publisher.connect(origin.rtmp_port)
        await connected.closed_by_origin()
        async with asyncio.timeout(PATIENCE_S):
            assert await silent.read() == b""
            assert len(await half.read()) == 1 + 2 * 1536
        writer.close()
        unused.close()
    assert caplog.text.count("nothing was received for too long") == 3


async def test_a_stop_with_a_publisher_logs_no_error(caplog):
    async with running_origin(OPEN) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        await publisher.frames(30)
        await eventually(lambda: origin.origin.streams.get("lecture").playlist.ready)
    await publisher.closed_by_origin()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_callback_that_drips_is_given_up(monkeypatch, caplog):
    monkeypatch.setattr(access, "CALLBACK_TIMEOUT", timedelta(milliseconds=500))
    dripping = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(ConnectionError):
            while not dripping.is_set():
                writer.write(b"X: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    callbacks = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{callbacks.sockets[0].getsockname()[1]}/"
    async with running_origin(Config(on_publish=url)) as origin:
        publisher = await Publisher.connect(origin.rtmp_port)
        assert _code(await publisher.publish("lecture?key=a")) == "NetStream.Publish.Denied"
        await publisher.closed_by_origin()
    dripping.set()
    callbacks.close()
    assert "on_publish can't be asked (TimeoutError)" in caplog.text


async def test_the_environments_proxy_is_left_alone(callbacks, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with running_origin(callbacks.config()) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
        await publisher.leave()
        await eventually(lambda: len(callbacks.forms) == 2)


@pytest.mark.parametrize("sent", ["ab+cd/ef==", "ab%2Bcd%2Fef%3D%3D"])
@pytest.mark.parametrize("known", ["ab+cd/ef==", "ab%2Bcd%2Fef%3D%3D"])
async def test_a_key_is_the_same_in_both_its_forms(sent, known):
    async with running_origin(Config(keys={"lecture": known})) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, f"lecture?key={sent}")
        await publisher.leave()


@dataclass
class _Connection:
    address: str
    progress: int | None


def test_who_came_the_least_far_makes_room():
    old, spoken, asking = _Connection("a", 0), _Connection("a", 2), _Connection("a", None)
    newcomer = _Connection("a", 0)
    assert in_excess([old, spoken, asking], newcomer) is None
    crowd = [spoken, asking, *(_Connection("a", 1) for _ in range(28)), old]
    assert in_excess(crowd, newcomer) is None
    assert in_excess([*crowd, spoken], newcomer) is old
    assert in_excess([asking] * 32, newcomer) is newcomer
    assert in_excess([asking] * 32, _Connection("b", 0)) is None
    many = [_Connection(str(index), 1) for index in range(127)]
    assert in_excess(many, newcomer) is None
    assert in_excess([*many, old], newcomer) is old


@pytest.mark.parametrize(("four", "codec"), [(b"hvc1", "H.265 (HEVC)"), (b"av01", "AV1")])
async def test_publisher_of_another_codec_is_told_in_a_sentence(caplog, four, codec):
    async with running_origin(Config(open=True)) as origin:
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        publisher.send(9, 0, b"\x90" + four + bytes(8))
        told = (await publisher.answer("onStatus"))[3]
        await publisher.closed_by_origin()
    assert (told["level"], told["code"]) == ("error", "NetStream.Publish.Failed")
    sentence = (
        f"{codec} by enhanced RTMP is not supported; send H.264 (OBS: Settings, Output, Video Encoder x264)"
    )
    assert told["description"] == sentence
    assert sentence in caplog.text
