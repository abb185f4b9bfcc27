"""Whose stream it is: the event's that holds it, as `on_publish` or an edge says, and no other event's listeners see it."""

import time

import httpx
import pytest

from amphi.origin.config import Config
from amphi.system import tickets
from tests.origin.running import Publisher, Running, eventually, http_client, ready, running_origin
from tests.wire import WireServer, answer

KEY = b"shared with the platform"


def _ticket(event_id: int) -> str:
    return tickets.mint(KEY, tickets.Ticket(event_id, "lecture", "a1", int(time.time()) + 60))


class Platform:
    """Who may publish is asked of it; it names the event that holds the stream."""

    def __init__(self) -> None:
        self.event = "7"
        self.server = WireServer(lambda _: answer("", **{"X-Amphi-Event": self.event}))

    def config(self, ticket_key: bytes = KEY) -> Config:
        asked = f"{self.server.url}/webinars/on-publish"
        return Config(on_publish=asked, on_publish_done=f"{asked}-done", ticket_key=ticket_key)


@pytest.fixture
def platform():
    found = Platform()
    yield found
    found.server.close()


async def _published(origin: Running, client: httpx.AsyncClient, path: str) -> Publisher:
    publisher = await Publisher.publishing(origin.rtmp_port, "lecture?key=secret")
    await publisher.frames(31)
    await ready(client, path)
    return publisher


async def test_stream_is_shown_to_the_listeners_of_the_event_that_holds_it(platform):
    async with running_origin(platform.config()) as origin, http_client(origin) as client:
        publisher = await _published(origin, client, f"/t/{_ticket(7)}/hls/lecture.m3u8")
        session = origin.origin.streams.get("lecture").playlist.session
        for path in ("lecture.m3u8", "lecture/main.m3u8", f"lecture/{session}/p0.m4s"):
            for event_id, status in ((7, 200), (8, 403), (tickets.PLATFORM, 200)):
                answered = await client.get(f"/t/{_ticket(event_id)}/hls/{path}")
                assert answered.status_code == status, (path, event_id)
        await publisher.close()


async def test_edge_says_whose_viewer_asks(platform):
    async with running_origin(platform.config(ticket_key=b"")) as origin, http_client(origin) as client:
        publisher = await _published(origin, client, "/hls/lecture.m3u8")
        for named, status in (("7", 200), ("8", 403), ("0", 200)):
            answered = await client.get("/hls/lecture.m3u8", headers={"X-Amphi-Event": named})
            assert answered.status_code == status
        await publisher.close()


async def test_stream_that_no_event_holds_is_shown_to_no_listener(platform):
    platform.event = "none"
    async with running_origin(platform.config()) as origin, http_client(origin) as client:
        publisher = await _published(origin, client, f"/t/{_ticket(tickets.PLATFORM)}/hls/lecture.m3u8")
        assert (await client.get(f"/t/{_ticket(7)}/hls/lecture.m3u8")).status_code == 403
        await publisher.close()


async def test_next_event_s_stream_holds_nothing_of_the_one_before_that_still_waited(platform):
    async with running_origin(platform.config()) as origin, http_client(origin) as client:
        before = await _published(origin, client, f"/t/{_ticket(7)}/hls/lecture.m3u8")
        session = origin.origin.streams.get("lecture").playlist.session
        await before.close()
        await eventually(lambda: origin.origin.streams.get("lecture").publisher is None)
        platform.event = "8"
        after = await _published(origin, client, f"/t/{_ticket(8)}/hls/lecture.m3u8")
        assert session not in (await client.get(f"/t/{_ticket(8)}/hls/lecture/main.m3u8")).text
        # Who watched the event before still drains what there was of it, and sees nothing of the next.
        assert (await client.get(f"/t/{_ticket(7)}/hls/lecture/{session}/p0.m4s")).status_code == 200
        assert (await client.get(f"/t/{_ticket(8)}/hls/lecture/{session}/p0.m4s")).status_code == 403
        assert (await client.get(f"/t/{_ticket(7)}/hls/lecture/main.m3u8")).status_code == 403
        await after.close()


async def test_publisher_that_was_lost_is_waited_for_unless_it_was_to_leave(platform):
    async with running_origin(platform.config()) as origin, http_client(origin) as client:
        for event, is_over in (("7", False), ("none", True)):
            platform.event = "7"
            publisher = await _published(origin, client, f"/t/{_ticket(7)}/hls/lecture.m3u8")
            stream, told = origin.origin.streams.get("lecture"), len(platform.server.requests)
            platform.event = event
            await publisher.close()
            await eventually(lambda told=told: len(platform.server.requests) > told)
            assert stream.publisher is None
            if is_over:
                await eventually(lambda stream=stream: stream.playlist.ended)
            else:
                again = await _published(origin, client, f"/t/{_ticket(7)}/hls/lecture.m3u8")
                assert origin.origin.streams.get("lecture") is stream
                await again.leave()
                await eventually(lambda stream=stream: stream.playlist.ended)
