"""What a page says that makes no sense, and mistakes of our own: neither leaves a job on air, or its place taken."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amphi.gateway import meeting_page, sink
from amphi.gateway.config import Config
from amphi.gateway.job import Job, JobSpec
from amphi.gateway.layouts import Layout
from amphi.gateway.meeting_page import Observation
from amphi.gateway.request_ids import RequestIds
from amphi.system import request_ids
from tests import ports

SPEC = JobSpec("j1", "http://127.0.0.1:9/", "rtmp://127.0.0.1:9/live/x", "room", show_chat=False)


class SayingPage:
    """A page that answers everything with `said`."""

    def __init__(self, said):
        self.said = said

    async def evaluate(self, expression, arg=None):
        return self.said


async def observe(said):
    return await meeting_page.observe(SayingPage(said), any_page=False, classroom=True, name="streaming")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "joined",
        {},
        {"state": "joined"},
        {"kind": "classroom"},
        {"state": ["joined"], "kind": "classroom"},
        {"state": {"joined": 1}, "kind": "classroom"},
        {"state": "on air", "kind": "classroom"},
        {"state": "joined", "kind": "mine"},
        {"state": 5, "kind": None, "reason": [], "detail": {}},
    ],
)
async def test_answer_without_sense_is_no_answer(said):
    assert await observe(said) == Observation()


@pytest.mark.asyncio
async def test_words_of_a_page_are_bounded_and_reasons_are_ours():
    said = {"state": "refused", "kind": "classroom", "reason": "<b>", "detail": "x\x1b[2J\n" * 100_000}
    seen = await observe(said)
    assert (seen.state, seen.reason, len(seen.detail)) == ("refused", "", 300)
    assert "\x1b" not in seen.detail


@pytest.mark.asyncio
@pytest.mark.parametrize("said", [None, 5, ["slides"], {"slides": 1}, "mosaic", "slides" * 100_000])
async def test_layout_without_sense_is_none(said):
    assert (await observe({"state": "joined", "kind": "classroom", "layout": said})).layout is None
    assert await meeting_page.show_layout(SayingPage(said), Layout.SLIDES) is None


@pytest.mark.asyncio
@pytest.mark.parametrize("said", [None, 5, [], {"found": 5}, {"version": [], "found": [1]}])
async def test_report_without_sense_is_empty(said):
    assert await meeting_page.report(SayingPage(said)) == meeting_page.Report()


@pytest.mark.asyncio
async def test_report_is_bounded():
    said = {"version": "3.0\n" * 1000, "found": {f"name {number}": True for number in range(1000)}}
    report = await meeting_page.report(SayingPage(said))
    assert len(report.version) == 40
    assert len(report.found) == 20


class BrokenBrowsers:
    """Browsers that fail as nobody foresaw."""

    async def take(self):
        raise ZeroDivisionError("a secret")

    async def discard(self, source):
        raise ZeroDivisionError("another")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_mistake_of_ours_ends_the_job_and_frees_its_place(caplog):
    job = Job(SPEC, Config(token="t"), BrokenBrowsers(), on_change=lambda: None, sharers=lambda: 1)
    ids = set()

    def note(_record):
        ids.add(request_ids.current())
        return True

    async def started(_scope, _receive, _send):
        job.start()

    header = (request_ids.HEADER.lower().encode(), b"5f" * 16)
    with caplog.filtering(note):
        await RequestIds(started)({"type": "http", "headers": [header]}, None, None)
        async with asyncio.timeout(20):
            await job.ended()
    # The job goes on with the id of the request that started it.
    assert ids == {"5f" * 16}
    described = job.describe()
    assert (described["state"], described["reason"]) == ("idle", "page_crashed")
    assert described["detail"] == "the gateway made a mistake: ZeroDivisionError"
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.integration
@pytest.mark.asyncio
async def test_mistake_at_the_end_frees_the_place_all_the_same(monkeypatch):
    job = Job(SPEC, Config(token="t"), BrokenBrowsers(), on_change=lambda: None, sharers=lambda: 1)
    monkeypatch.setattr(job, "_run", asyncio.Event().wait)
    job.start()
    monkeypatch.setattr(job, "_source", object())
    job.stop()
    async with asyncio.timeout(20):
        await job.ended()
    assert job.describe()["reason"] == "stopped"
    assert job.status.since <= datetime.now(UTC)


@pytest.mark.parametrize("host", ["live..univ.fr", f"{'a' * 64}.fr", "localhost"])
async def test_host_that_can_have_no_name_holds_pictures_back_no_longer_than_a_dead_one(host, monkeypatch):
    """The codec of host names has an error of its own; with it, the job waited silently for ever."""
    monkeypatch.setattr(sink, "RESTART_TAKES_S", 0.1)
    held = sink.RtmpSink(
        f"rtmp://{host}:{ports.reserve()}/live/room",
        ffmpeg=Path("ffmpeg"),
        ca_file=Path("ca.pem"),
        fps=25,
        bitrate_kbps=2500,
        on_trigger=lambda *_: None,
    )
    held._is_held = True
    await held._hold_until_reachable()
    assert not held._is_held
