"""The door to replays, where no web server in front sends the files."""

import time
from pathlib import Path

import pytest

from amphi.audience.claims import Rights
from amphi.audience.replays.door import PATH, ReplayDoor
from amphi.system import tickets

KEY = b"a key of this test"
RECORDING = "20261126T080000Z-0a1b2c"
DATA = bytes(range(256)) * 4096
NAMES = (f"{RECORDING}/abcdefgh.m4s", "files/abcdefgh.mp4", f"{RECORDING}/index", "files/abcdefgh-1.jpg")


@pytest.fixture
def root(tmp_path) -> Path:
    for event_id in (7, 8):
        for name in NAMES:
            path = tmp_path / str(event_id) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(DATA)
    return tmp_path


def ticket(*, key: bytes = KEY, event_id: int = 7, stream: str = "replay:12", seconds: int = 60) -> str:
    return tickets.mint(key, tickets.Ticket(event_id, stream, "a1", int(time.time()) + seconds))


async def ask(
    root: Path,
    path: str,
    *,
    method: str = "GET",
    sent_range: str = "",
    refused: bool = False,
    away=None,
    **of_ticket,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the answer; 0 when no address is matched."""
    rights = Rights(lambda claims: set(claims) if refused else set())
    door = ReplayDoor(KEY, rights, root, lambda pk: b"#EXTM3U\n" if pk == 12 else None, away)
    found = PATH.fullmatch(f"/t/{ticket(**of_ticket)}/replay/{path}")
    if found is None:
        return 0, {}, b""
    messages = []

    async def send(message) -> None:
        messages.append(message)

    headers = [(b"range", sent_range.encode())] if sent_range else []
    await door({"type": "http", "method": method, "headers": headers}, send, found)
    rights.finish(lambda: None)
    door.finish(lambda: None)
    start, *body = messages
    return start["status"], dict(start["headers"]), b"".join(one.get("body", b"") for one in body)


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("12/main.m3u8", {}, 200),
        ("12/main.m3u8", {"method": "POST"}, 405),
        ("12/main.m3u8", {"refused": True}, 403),
        ("12/main.m3u8", {"key": b"another"}, 403),
        ("12/main.m3u8", {"seconds": -1}, 403),
        ("12/main.m3u8", {"stream": "replay:13"}, 403),
        ("12/main.m3u8", {"stream": "12"}, 403),
        ("13/main.m3u8", {"stream": "replay:13"}, 404),
        (f"12/{NAMES[0]}", {}, 200),
        (f"12/{NAMES[1]}", {}, 200),
        (f"12/{NAMES[3]}", {}, 200),
        (f"12/{NAMES[0]}", {"refused": True}, 403),
        # The index names what was cut off.
        (f"12/{NAMES[2]}", {}, 404),
        (f"12/{RECORDING}/missing0.m4s", {}, 404),
        (f"12/../8/{NAMES[0]}", {}, 0),
        ("12/../index", {}, 0),
        (f"12/{NAMES[0]}", {"event_id": 9}, 404),
        (f"12/{NAMES[0]}", {"sent_range": "bytes=99999999-"}, 416),
    ],
)
async def test_what_a_ticket_opens(root, path, options, status):
    assert (await ask(root, path, **options))[0] == status


@pytest.mark.parametrize(
    ("sent_range", "status", "first", "last"),
    [
        ("", 200, 0, len(DATA) - 1),
        ("bytes=10-19", 206, 10, 19),
        (f"bytes={len(DATA) - 5}-", 206, len(DATA) - 5, len(DATA) - 1),
        ("bytes=5-999999999", 206, 5, len(DATA) - 1),
        # What is no single range is answered with all.
        ("bytes=1-2,4-5", 200, 0, len(DATA) - 1),
        ("bytes=-5", 200, 0, len(DATA) - 1),
    ],
)
async def test_parts_of_a_file(root, sent_range, status, first, last):
    for method, body in (("GET", DATA[first : last + 1]), ("HEAD", b"")):
        answered = await ask(root, f"12/{NAMES[0]}", method=method, sent_range=sent_range)
        assert (answered[0], answered[2]) == (status, body)
        assert int(answered[1][b"content-length"]) == last + 1 - first
        if status == 206:
            assert answered[1][b"content-range"] == b"bytes %d-%d/%d" % (first, last, len(DATA))


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        (f"12/{RECORDING}/missing0.m4s", {}, 302),
        (f"12/{RECORDING}/missing0.m4s", {"method": "HEAD"}, 302),
        ("12/files/missing0.mp4", {}, 302),
        # What the folder has is sent from there.
        (f"12/{NAMES[0]}", {}, 200),
        # Small pictures are in the folder alone.
        ("12/files/missing0-1.jpg", {}, 404),
        (f"12/{RECORDING}/index.mp4/x", {}, 0),
        (f"12/{RECORDING}/missing0.m4s", {"refused": True}, 403),
        (f"12/{RECORDING}/missing0.m4s", {"seconds": -1}, 403),
        (f"12/{RECORDING}/missing0.m4s", {"stream": "replay:13"}, 403),
    ],
)
async def test_what_is_in_the_bucket_alone(root, path, options, status):
    asked = []

    def away(name: str, method: str) -> str:
        asked.append((name, method))
        return "https://s3.example.org/signed"

    found, headers, body = await ask(root, path, away=away, **options)
    assert found == status
    assert (len(asked), body == b"") == ((1, True) if status == 302 else (0, status != 200))
    if status == 302:
        # Of the ticket's event alone.
        assert asked == [(f"7/{path.removeprefix('12/')}", options.get("method", "GET"))]
        assert headers[b"location"] == b"https://s3.example.org/signed"
        assert headers[b"cache-control"] == b"no-store"
