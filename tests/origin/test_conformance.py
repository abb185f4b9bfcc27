"""`amphi origin check` against our origin, and against servers that do one thing wrong each."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn

from amphi.origin.config import Config
from amphi.origin.conformance.cli import check, main
from amphi.origin.conformance.findings import Report
from amphi.origin.http_app import OriginApp
from amphi.origin.service import listen
from tests.origin.running import (
    EVEN_AUDIO_HEADER,
    Publisher,
    eventually,
    running_origin,
)

WATCHED_S = 2.5
# Long enough to say how fast media comes.
RATED_S = 4.5
# What the clock of a busy machine may break by itself.
BY_THE_CLOCK = {"blocking-late", "rate", "date-drift", "date-jump", "blocking-stale"}


class Wrong:
    """An answer of the origin on its way out. `path` and `query` may be changed before, the rest after."""

    def __init__(self, path: str, query: str) -> None:
        self.path, self.query = path, query
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""

    @property
    def is_media_playlist(self) -> bool:
        return self.path.endswith("/main.m3u8")

    def edit(self, pattern: str, new: str, count: int = 0) -> None:
        """Change the text of media playlists."""
        if self.is_media_playlist:
            self.body = re.sub(pattern, new, self.body.decode(), count=count).encode()


class Faulty:
    """An ASGI application: `/<fault>/hls/…` is the origin's `/hls/…`, spoilt.

    Args:
        inner: the origin.
        asks: what a fault does to the request.
        answers: what a fault does to the answer.
    """

    def __init__(self, inner: OriginApp) -> None:
        self._inner = inner
        self._first: dict[str, bytes] = {}

    async def __call__(self, scope, receive, send) -> None:
        _, name, rest = scope["path"].split("/", 2)
        wrong = Wrong(f"/{rest}", scope["query_string"].decode())
        ask, answer = FAULTS[name][1:]
        await ask(wrong)
        await self._inner(self._request(scope, wrong), receive, self._keep(wrong))
        answer(wrong)
        if name == "frozen" and wrong.is_media_playlist and wrong.status == 200:
            wrong.body = self._first.setdefault(name, wrong.body)
        wrong.headers["content-length"] = str(len(wrong.body))
        headers = [(key.encode(), value.encode()) for key, value in wrong.headers.items()]
        await send({"type": "http.response.start", "status": wrong.status, "headers": headers})
        await send({"type": "http.response.body", "body": wrong.body})

    @staticmethod
    def _request(scope, wrong: Wrong) -> dict:
        # Changing a text is simpler when it is not compressed.
        kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        return {**scope, "path": wrong.path, "query_string": wrong.query.encode(), "headers": kept}

    @staticmethod
    def _keep(wrong: Wrong):
        async def keep(message) -> None:
            if message["type"] == "http.response.start":
                wrong.status = message["status"]
                wrong.headers |= {key.decode(): value.decode() for key, value in message["headers"]}
            else:
                wrong.body += message.get("body", b"")

        return keep


async def _as_asked(_: Wrong) -> None:
    pass


def _as_it_is(_: Wrong) -> None:
    pass


async def _at_once(wrong: Wrong) -> None:
    if "_HLS_part" in wrong.query and wrong.is_media_playlist:
        wrong.query = ""


async def _late(wrong: Wrong) -> None:
    if "_HLS_part" in wrong.query:
        await asyncio.sleep(0.5)


async def _ahead(wrong: Wrong) -> None:
    if wrong.query.endswith("&_HLS_part=0"):
        wrong.query = ""


async def _alone(wrong: Wrong) -> None:
    if wrong.query == "_HLS_part=0":
        wrong.query = ""


async def _other_part(wrong: Wrong) -> None:
    found = re.search(r"/p(\d+)\.m4s$", wrong.path)
    if found and int(found[1]) % 4 == 3:
        wrong.path = wrong.path.replace(f"/p{found[1]}.", f"/p{int(found[1]) - 1}.")


def _edit(pattern: str, new: str) -> Callable[[Wrong], None]:
    return lambda wrong: wrong.edit(pattern, new)


def _header(ending: str, name: str, value: str, *, asked: str = "") -> Callable[[Wrong], None]:
    def change(wrong: Wrong) -> None:
        if wrong.path.endswith(ending) and asked in wrong.query:
            wrong.headers[name] = value

    return change


def _multivariant(pattern: str, new: str) -> Callable[[Wrong], None]:
    def change(wrong: Wrong) -> None:
        if wrong.path.endswith("x.m3u8"):
            wrong.body = re.sub(pattern, new, wrong.body.decode()).encode()

    return change


def _stale(wrong: Wrong) -> None:
    if wrong.query.startswith("_HLS_msn") and "part" not in wrong.query:
        wrong.status = 404


def _status(ending: str, status: int) -> Callable[[Wrong], None]:
    def change(wrong: Wrong) -> None:
        if wrong.path.endswith(ending):
            wrong.status = status

    return change


def _body(ending: str, body: bytes) -> Callable[[Wrong], None]:
    def change(wrong: Wrong) -> None:
        if wrong.path.endswith(ending):
            wrong.body = body

    return change


def _cut_segments(wrong: Wrong) -> None:
    if re.search(r"/s\d+\.m4s$", wrong.path):
        wrong.body = wrong.body[:-4]


def _renaming(wrong: Wrong) -> None:
    if "_HLS_part" in wrong.query:
        wrong.edit(r"/s(\d+\.m4s)", r"/t\1", count=1)


def _cached_errors(wrong: Wrong) -> None:
    if wrong.status == 400:
        wrong.headers["cache-control"] = "max-age=600"


def _skip_all(skipped: int) -> Callable[[Wrong], None]:
    """A delta update that leaves out all but the last segment, and says that it leaves out so many."""

    def change(wrong: Wrong) -> None:
        if "_HLS_skip" not in wrong.query:
            return
        lines = wrong.body.decode().splitlines()
        segments = [index for index, line in enumerate(lines) if line.endswith(".m4s") and "/s" in line]
        head = [
            line
            for line in lines[:12]
            if line.startswith(("#EXTM3U", "#EXT-X-V", "#EXT-X-T", "#EXT-X-S", "#EXT-X-M"))
        ]
        head = [line for line in head if "MAP" not in line]
        head += [line for line in lines if line.startswith("#EXT-X-PART-INF")]
        count = skipped or len(segments) - 1
        rest = lines[segments[-2] + 1 :]
        wrong.body = "\n".join([*head, f"#EXT-X-SKIP:SKIPPED-SEGMENTS={count}", *rest, ""]).encode()

    return change


_dates = iter(range(10**6))


def _drifting(wrong: Wrong) -> None:
    if wrong.is_media_playlist and b"PROGRAM" in wrong.body:
        wrong.edit(r"(PROGRAM-DATE-TIME:)\d{4}", rf"\g<1>{2000 + next(_dates) % 50}")


LOW_LATENCY_TAGS = r"#EXT-X-(PART|PART-INF|PRELOAD-HINT|SERVER-CONTROL|RENDITION-REPORT):.*\n"
HINTED = r'(PRELOAD-HINT:TYPE=PART,URI=".*/)p'
FAULTS = {
    "none": ("", _as_asked, _as_it_is),
    "ordinary": ("", _as_asked, _edit(LOW_LATENCY_TAGS, "")),
    "late": ("blocking-late", _late, _as_it_is),
    "stale": ("blocking-stale", _as_asked, _stale),
    "ahead": ("blocking-ahead", _ahead, _as_it_is),
    "alone": ("blocking-part-alone", _alone, _as_it_is),
    "cached-errors": ("cache-error", _as_asked, _cached_errors),
    "skips-too-much": ("delta-boundary", _as_asked, _skip_all(0)),
    "skips-unknown": ("delta", _as_asked, _skip_all(900)),
    "drifting": ("date-drift segment-changed", _as_asked, _drifting),
    "frozen": ("blocking rate", _at_once, _as_it_is),
    "other-hint": ("hint hint-kept", _as_asked, _edit(HINTED, r"\1q")),
    "renaming": ("segment-changed", _as_asked, _renaming),
    "bandwidth": ("bandwidth-low", _as_asked, _multivariant(r"BANDWIDTH=\d+", "BANDWIDTH=100")),
    "codecs": ("codecs-wrong", _as_asked, _multivariant("avc1", "hvc1")),
    "init": ("media-format", _as_asked, _body(".mp4", b"nothing")),
    "other-part": ("media-time", _other_part, _as_it_is),
    "cut-segment": ("segment-parts", _as_asked, _cut_segments),
    "gone-init": ("media-answer", _as_asked, _status(".mp4", 404)),
    "type": ("content-type", _as_asked, _header(".m3u8", "content-type", "text/plain")),
    "cors": ("cors", _as_asked, _header(".m4s", "access-control-allow-origin", "https://a.example")),
    "old-playlist": ("cache-playlist", _as_asked, _header("main.m3u8", "cache-control", "max-age=60")),
    "blocked": (
        "cache-blocked",
        _as_asked,
        _header("main.m3u8", "cache-control", "no-store", asked="_HLS_part"),
    ),
    "no-store": ("cache-media", _as_asked, _header(".m4s", "cache-control", "no-store")),
    "gone": ("answer", _as_asked, _status("main.m3u8", 500)),
    "html": ("syntax", _as_asked, _body("main.m3u8", b"<html>")),
}
"""By name: the rule that is to be found, and what is done to requests and to answers."""


@pytest.fixture
async def faulty() -> AsyncIterator[tuple[str, str]]:
    """The addresses of an origin with a live stream `x`, and of the server that spoils it."""
    async with running_origin(Config(open=True)) as origin:
        publisher = await Publisher.publishing(origin.rtmp_port, "x")
        publisher.send(8, 0, EVEN_AUDIO_HEADER)
        live = asyncio.create_task(publisher.live())
        stream = origin.origin.streams
        await eventually(lambda: (found := stream.get("x")) and len(found.playlist.segments) > 3)
        socket = listen(("127.0.0.1", 0))
        app = Faulty(OriginApp(Config(open=True), stream))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        server.capture_signals = _nothing  # type: ignore[method-assign]
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        yield origin.http, f"http://127.0.0.1:{socket.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        await serving
        live.cancel()
        await publisher.close()


class _nothing:  # noqa: N801 -- stands for a context manager's function
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _found(report: Report) -> set[str]:
    return set(report.findings)


async def test_our_origin_keeps_every_rule_and_each_fault_of_a_server_is_found(faulty, capsys):
    origin, wrong = faulty
    seconds = {"frozen": RATED_S, "none": RATED_S}
    at_once = [check(f"{wrong}/{name}/hls/x.m3u8", seconds.get(name, WATCHED_S)) for name in FAULTS]
    clean, *reports = await asyncio.gather(check(f"{origin}/hls/x.m3u8", RATED_S), *at_once)
    assert _found(clean) - BY_THE_CLOCK == set(), clean.lines()
    assert clean.measured["kind"] == "low-latency HLS"
    assert clean.measured["files"] >= 5
    by_name = dict(zip(FAULTS, reports, strict=True))
    missed = {
        name: (rules, _found(by_name[name]))
        for name in FAULTS
        if (rules := set(FAULTS[name][0].split()) - _found(by_name[name]))
    }
    assert missed == {}
    for name in ("none", "ordinary"):
        assert _found(by_name[name]) - BY_THE_CLOCK <= {"gzip"}, by_name[name].lines()
    assert by_name["ordinary"].measured["kind"] == "ordinary HLS"
    assert by_name["none"].failed <= bool(_found(by_name["none"]) & BY_THE_CLOCK)
    assert by_name["html"].failed

    status = await asyncio.to_thread(main, [f"{wrong}/gone/hls/x.m3u8", "--json", "--seconds", "1"])
    told = json.loads(capsys.readouterr().out)
    assert (status, told["ok"]) == (1, False)
    assert "answer" in {found["rule"] for found in told["findings"]}
    await asyncio.to_thread(main, [f"{wrong}/type/hls/x.m3u8", "--seconds", "1"])
    assert "WARN  playlist (4): " in capsys.readouterr().out


def test_nobody_there_is_a_finding(free_port, capsys):
    assert main([f"http://127.0.0.1:{free_port}/x.m3u8"]) == 1
    assert "FAIL  playlist" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["ftp://a/b"], ["x.m3u8"], ["http://a/b", "--seconds", "0"], []])
def test_what_can_not_be_checked(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err
