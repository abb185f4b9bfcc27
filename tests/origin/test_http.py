"""The origin's HTTP over real sockets."""

import asyncio
import re
import time

import pytest

from amphi.origin.config import Config
from amphi.system import tickets
from amphi.system.tickets import Ticket
from tests.origin.running import PATIENCE_S, Publisher, eventually, http_client, ready, running_origin

KEY = b"shared"


@pytest.fixture
async def origin():
    # Without a slate, a publisher that sends nothing leaves a playlist to which nothing comes.
    async with running_origin(Config(open=True, slate=False)) as running:
        yield running


def _playlist(origin):
    return origin.origin.streams.get("lecture").playlist


def _blocked(origin) -> int:
    return origin.origin.streams.get("lecture").blocked


async def test_health_counts_streams(origin, client, lecture):
    assert (await client.get("/healthz")).json() == {"ok": True, "streams": 1, "version": "0.1.0"}


async def test_every_address_of_a_stream(origin, client, lecture):
    multivariant = await client.get("/hls/lecture.m3u8")
    assert multivariant.headers["content-type"] == "application/vnd.apple.mpegurl"
    lines = multivariant.text.splitlines()
    assert (lines[3], lines[-1]) == ("lecture/main.m3u8", "lecture/sound.m3u8")
    assert 'CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000' in multivariant.text
    media = await client.get("/hls/lecture/main.m3u8")
    assert media.headers["cache-control"] == "public, max-age=0, s-maxage=1"
    sound = await client.get("/hls/lecture/sound.m3u8")
    playlist = _playlist(origin)
    first = playlist.segments[0]
    for text, kind, name, body in (
        (media.text, "video/mp4", "i0.mp4", playlist.inits[0]),
        (media.text, "video/mp4", "p2.m4s", playlist.part(2).data),
        (media.text, "video/mp4", f"s{first.number}.m4s", b"".join(part.data for part in first.parts)),
        (sound.text, "audio/mp4", "i0a.mp4", playlist.sound_inits[0]),
        (sound.text, "audio/mp4", "p2a.m4s", playlist.part(2).sound),
        (sound.text, "audio/mp4", f"s{first.number}a.m4s", b"".join(part.sound for part in first.parts)),
    ):
        assert name in text
        answer = await client.get(f"/hls/lecture/{playlist.session}/{name}")
        assert answer.content == body
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["access-control-allow-origin"] == "*"
        head = await client.head(f"/hls/lecture/{playlist.session}/{name}")
        assert (head.headers["content-length"], head.content) == (str(len(body)), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hls/nobody.m3u8",
        "/hls/nobody/main.m3u8",
        "/hls/lecture/00/p0.m4s",
        "/hls/lecture/{session}/p99.m4s",
        "/hls/lecture/{session}/s1.m4s",
        "/hls/lecture/{session}/p00.m4s",
        "/hls/lecture/{session}/p0.mp4",
        "/hls/lecture/{session}/i9.mp4",
        "/hls/../streams",
        "/streams",
    ],
)
async def test_what_is_not_there_is_404(origin, client, lecture, path):
    assert (await client.get(path.format(session=_playlist(origin).session))).status_code == 404


async def test_a_stream_without_a_whole_segment_is_404(origin, client):
    publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
    await publisher.frames(10)
    await eventually(lambda: _playlist(origin).next_part)
    assert (await client.get("/hls/lecture.m3u8")).status_code == 404
    await publisher.leave()
    await eventually(lambda: _playlist(origin).ended)
    assert (await client.get("/hls/lecture.m3u8")).status_code == 200


async def test_a_playlist_request_blocks_until_its_part_is_there(origin, client, lecture, patient):
    last = _playlist(origin).last_number
    request = asyncio.create_task(client.get(f"/hls/lecture/main.m3u8?_HLS_msn={last + 1}&_HLS_part=1"))
    await eventually(lambda: _blocked(origin) == 1)
    assert not request.done()
    await lecture.frames(5)
    answer = await request
    assert answer.status_code == 200
    assert "p6.m4s" in answer.text.split("PRELOAD-HINT")[0]
    assert answer.headers["cache-control"] == "public, max-age=6"


async def test_the_hinted_part_blocks_until_it_is_there(origin, client, lecture, patient):
    playlist = _playlist(origin)
    request = asyncio.create_task(client.get(f"/hls/lecture/{playlist.session}/p{playlist.next_part}.m4s"))
    await eventually(lambda: _blocked(origin) == 1)
    assert not request.done()
    await lecture.frames(5)
    answer = await request
    assert answer.content == playlist.part(6).data


async def test_many_blocked_requests_are_answered_at_once_with_the_same(origin, client, lecture, patient):
    url = f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 1}"
    requests = [asyncio.create_task(client.get(url)) for _ in range(60)]
    await eventually(lambda: _blocked(origin) == 60)
    await lecture.frames(25)
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200}
    assert _blocked(origin) == 0


async def test_a_client_that_leaves_while_blocked_is_forgotten(origin, lecture, patient):
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.http_port)
    url = f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 1}"
    writer.write(f"GET {url} HTTP/1.1\r\nHost: origin\r\n\r\n".encode())
    await eventually(lambda: _blocked(origin) == 1)
    writer.close()
    await eventually(lambda: _blocked(origin) == 0)
    assert await reader.read() == b""


async def test_a_blocked_request_gives_up_after_three_target_durations(origin, client, lecture):
    started = time.monotonic()
    answer = await client.get(f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 1}")
    assert answer.status_code == 503
    assert 2.9 < time.monotonic() - started < 3 + PATIENCE_S
    assert _blocked(origin) == 0


async def test_requests_that_are_sent_on_end_are_answered_in_their_order(origin, lecture, patient):
    """Some wait and some do not, some are refused and some are no files."""
    playlist = _playlist(origin)
    base = f"/hls/lecture/{playlist.session}"
    paths = [
        f"{base}/p0.m4s",
        f"{base}/p{playlist.next_part}.m4s",
        "/hls/lecture/main.m3u8",
        "/healthz",
        f"{base}/p1.m4s",
    ]
    paths += ["/hls/lecture/main.m3u8?_HLS_part=1", f"{base}/p99.m4s", f"{base}/p2.m4s"]
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.http_port)
    writer.write(b"".join(f"GET {path} HTTP/1.1\r\nHost: origin\r\n\r\n".encode() for path in paths))
    await eventually(lambda: _blocked(origin) == 1)
    await lecture.frames(5)
    answers = []
    async with asyncio.timeout(PATIENCE_S):
        for _ in paths:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])
            answers.append((int(head.split()[1]), await reader.readexactly(length)))
            assert head.count(b"\r\ndate: ") == 1
    assert [status for status, _ in answers] == [200, 200, 200, 200, 200, 400, 404, 200]
    assert [answers[at][1] for at in (0, 1, 4, 7)] == [playlist.part(number).data for number in (0, 6, 1, 2)]
    assert answers[2][1].startswith(b"#EXTM3U")
    writer.close()


async def test_a_connection_carries_any_number_of_requests(origin, lecture):
    """Far more than a head may have in bytes."""
    path = f"/hls/lecture/{_playlist(origin).session}/p0.m4s"
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.http_port)
    request = f"GET {path} HTTP/1.1\r\nHost: origin\r\n\r\n".encode()
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(20):
            writer.write(request * 100)
            for _ in range(100):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
        for _ in range(1500):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
    writer.close()


async def _ask(connection, request: bytes) -> bytes:
    """The body of the answer to a request."""
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))


async def test_only_a_connection_on_which_nothing_is_asked_for_is_closed(origin, lecture):
    reader, writer = connection = await asyncio.open_connection("127.0.0.1", origin.http_port)
    request = b"GET /hls/lecture/main.m3u8 HTTP/1.1\r\nHost: origin\r\n\r\n"
    playlist = await _ask(connection, request)
    own = writer.get_extra_info("sockname")
    (protocol,) = [one for one in origin.origin._http.server_state.connections if one.client == own]
    # It has just asked.
    protocol.timeout_keep_alive_handler()
    assert await _ask(connection, request) == playlist
    # Long ago, but it waits for what is not there yet.
    number = _playlist(origin).segments[-1].number
    later = request.replace(b".m3u8", b".m3u8?_HLS_msn=%d" % (number + 2))
    waiting = asyncio.create_task(_ask(connection, later))
    await eventually(lambda: not protocol.cycle.response_complete)
    protocol._active_at = float("-inf")
    protocol.timeout_keep_alive_handler()
    await lecture.frames(100)
    assert (await waiting).startswith(b"#EXTM3U")
    protocol._active_at = float("-inf")
    protocol.timeout_keep_alive_handler()
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()


async def test_who_reads_nothing_is_sent_little(origin, lecture):
    """Thousands of requests at once, on a connection whose other end reads no answers, fill no memory."""
    path = f"/hls/lecture/{_playlist(origin).session}/s{_playlist(origin).segments[0].number}.m4s"
    _, writer = await asyncio.open_connection("127.0.0.1", origin.http_port, limit=1024)
    request = f"GET {path} HTTP/1.1\r\nHost: origin\r\n\r\n".encode()
    writer.transport.pause_reading()
    writer.write(request * 20_000)
    own = writer.get_extra_info("sockname")
    await eventually(lambda: any(one.client == own for one in origin.origin._http.server_state.connections))
    (protocol,) = [one for one in origin.origin._http.server_state.connections if one.client == own]
    await eventually(lambda: protocol.flow.write_paused)
    for _ in range(50):
        await asyncio.sleep(0)
    assert protocol.transport.get_write_buffer_size() < 2**20
    writer.transport.abort()


async def test_the_end_answers_whoever_is_blocked(origin, client, lecture, patient):
    request = asyncio.create_task(
        client.get(f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 2}&_HLS_part=0")
    )
    await eventually(lambda: _blocked(origin) == 1)
    await lecture.leave()
    assert (await request).text.endswith("#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    "query",
    [
        "_HLS_part=1",
        "_HLS_msn=x",
        "_HLS_msn=-1",
        "_HLS_msn=00{next}",
        "_HLS_msn={next}&_HLS_part=01",
        "_HLS_msn=99999999999",
        "_HLS_msn={next}&_HLS_part=900",
        "_HLS_skip=junk",
        "_HLS_skip=yes",
    ],
)
async def test_delivery_directives_that_can_not_be_are_400(origin, client, lecture, query):
    query = query.format(next=_playlist(origin).last_number + 1)
    answer = await client.get(f"/hls/lecture/main.m3u8?{query}")
    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")


@pytest.mark.parametrize("query", ["_HLS_msn=1", "_HLS_skip=YES", "_HLS_push=0&_HLS_part=2&_HLS_msn=1"])
async def test_delivery_directives_are_for_media_playlists(origin, client, lecture, query):
    for path in ("/hls/lecture.m3u8", f"/hls/lecture/{_playlist(origin).session}/p0.m4s"):
        assert (await client.get(f"{path}?{query}")).status_code == 400
        # As a cache in front adds them.
        assert (await client.get(f"{path}?_HLS_msn=&_HLS_part=&_HLS_skip=")).status_code == 200


async def test_only_what_players_ask_for_is_kept_by_caches(origin, client, lecture):
    last = _playlist(origin).last_number
    kept = [f"{last}", f"{last}&_HLS_part=0", f"{last}&_HLS_part=5", f"{last + 1}&_HLS_part=0"]
    for query in (*kept, *(f"{found}&_HLS_skip=YES" for found in kept)):
        answer = await client.get(f"/hls/lecture/main.m3u8?_HLS_msn={query}")
        assert answer.headers["cache-control"] == "public, max-age=6", query
    for query in (f"{last - 1}", "0", f"{last - 1}&_HLS_part=0", f"{last}&_HLS_part=6"):
        answer = await client.get(f"/hls/lecture/main.m3u8?_HLS_msn={query}")
        assert (answer.status_code, answer.headers["cache-control"]) in {
            (200, "no-store"),
            (400, "no-store"),
        }, query
    await lecture.leave()
    await eventually(lambda: _playlist(origin).ended)
    answer = await client.get("/hls/lecture/main.m3u8?_HLS_msn=77&_HLS_part=900")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_delta_update(client, lecture):
    await lecture.frames(25 * 10)
    async with asyncio.timeout(PATIENCE_S):
        while "SKIPPED-SEGMENTS=5" not in (await client.get("/hls/lecture/main.m3u8?_HLS_skip=YES")).text:  # noqa: ASYNC110 -- asked over HTTP
            await asyncio.sleep(0.01)


async def test_playlists_are_compressed_for_those_who_take_that(origin, client, lecture):
    await lecture.frames(25 * 4)
    await eventually(lambda: _playlist(origin).next_part == 26)
    url = "/hls/lecture/main.m3u8"
    plain, packed = [
        await client.get(url, headers={"Accept-Encoding": coding}) for coding in ("br", "br, gzip")
    ]
    assert (plain.text, plain.headers.get("content-encoding")) == (packed.text, None)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


async def test_other_methods(client):
    options = await client.options("/hls/lecture.m3u8")
    assert options.status_code == 204
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert (await client.post("/hls/lecture.m3u8")).status_code == 405


async def test_pages_of_other_origins_are_named():
    async with (
        running_origin(Config(open=True, cors=("https://a.example",))) as origin,
        http_client(origin) as client,
    ):
        named = await client.get("/healthz", headers={"Origin": "https://a.example"})
        assert named.headers["access-control-allow-origin"] == "https://a.example"
        other = await client.get("/healthz", headers={"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "Origin"


async def test_tickets_are_for_one_stream_and_pass_on_by_themselves():
    now = int(time.time())
    good = tickets.mint(KEY, Ticket(1, "lecture", "a1", now + 60))
    others = [
        tickets.mint(KEY, Ticket(1, "other", "a1", now + 60)),
        tickets.mint(KEY, Ticket(1, "lecture", "a1", now - 1)),
        tickets.mint(b"forged", Ticket(1, "lecture", "a1", now + 60)),
        "nonsense",
        "é",
    ]
    async with (
        running_origin(Config(open=True, ticket_key=KEY)) as origin,
        http_client(origin) as client,
    ):
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        await publisher.frames(31)
        await ready(client, f"/t/{good}/hls/lecture.m3u8")
        session = _playlist(origin).session
        for path in ("/hls/lecture.m3u8", "/hls/lecture/main.m3u8", f"/hls/lecture/{session}/p0.m4s"):
            assert (await client.get(path)).status_code == 403
            assert (await client.get(f"/t/{good}{path}")).status_code == 200
            for other in others:
                assert (await client.get(f"/t/{other}{path}")).status_code == 403
        await publisher.close()


async def test_the_list_of_streams_needs_its_token():
    async with (
        running_origin(Config(open=True, token="secret")) as origin,
        http_client(origin) as client,
    ):
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        await publisher.frames(60)
        await ready(client, "/hls/lecture.m3u8")
        assert (await client.get("/streams")).status_code == 401
        assert (await client.get("/streams", headers={"Authorization": "Bearer wrong"})).status_code == 401
        (found,) = (await client.get("/streams", headers={"Authorization": "Bearer secret"})).json()[
            "streams"
        ]
        assert (found["name"], found["publishing"], found["ended"], found["fps"]) == (
            "lecture",
            True,
            False,
            25.0,
        )
        assert found["kbps"] > 0
        await publisher.close()


async def test_a_blocked_request_gets_the_same_playlist_while_a_lost_publisher_is_waited_for(
    origin, client, lecture
):
    await lecture.close()
    await eventually(lambda: origin.origin.streams.get("lecture").publisher is None)
    answer = await client.get(f"/hls/lecture/main.m3u8?_HLS_msn={_playlist(origin).last_number + 1}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "PRELOAD-HINT" in answer.text


async def test_the_stop_does_not_wait_for_blocked_requests():
    async with running_origin(Config(open=True)) as origin, http_client(origin) as client:
        publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
        await publisher.frames(31)
        await ready(client, "/hls/lecture.m3u8")
        url = f"/hls/lecture/{_playlist(origin).session}/p6.m4s"
        await eventually(lambda: _playlist(origin).next_part == 6)
        request = asyncio.create_task(client.get(url))
        await eventually(lambda: _blocked(origin) == 1)
        origin.origin.streams.close()
        assert (await request).status_code == 404
        await publisher.close()
