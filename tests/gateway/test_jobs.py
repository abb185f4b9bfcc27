"""Whole jobs: a real Chromium, a real ffmpeg, a real RTMP server."""

import contextlib
import itertools
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from .conftest import GatewayProcess, color_of, packets, probe, wait_for

pytestmark = pytest.mark.browser

FPS = 25
PICTURES = 4 * FPS
SMALL_HEAP = "--js-flags=--max-old-space-size=64"


@pytest.fixture(scope="module")
def gateway():
    """For tests that leave it as they found it."""
    process = GatewayProcess(max_jobs=2, warm=0)
    yield process
    process.close()


def spec_of(meeting, rtmp, name="talk", room="room"):
    spec = {"join_url": meeting.join_url, "rtmp_url": rtmp.url(name), "room": room}
    return spec | {"show_chat": True, "layout": "slides"}


def is_green(color):
    red, green, blue = color
    return green > 90 and red < 60 and blue < 60


def test_webinar_from_start_to_stop(make_gateway, meeting, rtmp):
    gateway = make_gateway(max_jobs=1, fps=FPS)
    spec = spec_of(meeting, rtmp)
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda _: gateway.client.put("/jobs/j1", json=spec), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert gateway.client.put("/jobs/j1", json=spec | {"room": "other"}).status_code == 409
    full = gateway.client.put("/jobs/j2", json=spec)
    assert (full.status_code, full.json()["error"], full.headers["Retry-After"]) == (503, "full", "10")
    full = gateway.client.get("/start", params={"room": "b", "domain": "localhost", "rtmpDst": rtmp.url("b")})
    assert full.status_code == 503
    assert full.json() == {
        "status": "error",
        "details": "every place of the streaming gateway is taken: try again when another webinar has ended",
        "res": "error",
        "type": "No free resources found",
    }
    assert full.headers["Retry-After"] == "10"

    wait_for(lambda: meeting.joins)
    too_early = gateway.client.post("/jobs/j1/chat", json={"text": "Hello", "author": "Ada"})
    assert (too_early.status_code, too_early.json()["error"]) == (409, "not_in_meeting")
    assert gateway.job("j1")["state"] == "joining"
    assert not rtmp.recordings()
    meeting.state = "joined"
    job = gateway.wait_for_state("j1", "on_air")
    assert (job["reason"], job["room"], job["chat_shown"]) == ("", "room", True)

    text = '‘quoted’ "and" $(id) <b>'
    assert gateway.client.post("/jobs/j1/chat", json={"text": text, "author": "Ada"}).status_code == 202
    wait_for(lambda: meeting.chat == [f"Ada: {text}"])
    assert gateway.client.put("/jobs/j1/chat-panel", json={"shown": False}).json() == {"shown": False}
    wait_for(lambda: meeting.chat_shown is False)
    assert job["layout"] == job["layout_shown"] == "slides"  # as the start has it
    answer = gateway.client.put("/jobs/j1/layout", json={"layout": "cameras"})
    assert answer.json() == {"layout": "cameras", "shown": "cameras"}
    wait_for(lambda: meeting.layouts == ["slides", "cameras"])

    wait_for(lambda: gateway.job("j1")["stats"]["frames"] > PICTURES)
    for name in ("cpu_cores", "kbps"):
        wait_for(lambda name=name: gateway.job("j1")["stats"][name] > 0)
    assert gateway.client.delete("/jobs/j1").status_code == 202
    assert gateway.wait_for_state("j1", "idle")["reason"] == "stopped"
    wait_for(rtmp.connections)
    assert gateway.client.delete("/jobs/j1").status_code == 202
    check_recording(rtmp.recordings()[0])
    assert gateway.close() == 0
    log = "".join(gateway.log)
    assert "j1: publishing -> on_air" in log
    for secret in ("secret-key", "secret-checksum", "correct-horse"):
        assert secret not in log


def check_recording(path):
    picture, sound = sorted(
        probe(path, "-show_streams")["streams"], key=lambda stream: stream["codec_type"], reverse=True
    )
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", 1280, 720)
    assert (sound["codec_name"], sound["sample_rate"], sound["channels"]) == ("aac", "48000", 2)
    check_cadence(packets(path, "v"))
    sound_times = [at for at, _ in packets(path, "a")]
    assert max(later - earlier for earlier, later in itertools.pairwise(sound_times)) < 0.05
    assert is_green(color_of(path))  # the first picture is the meeting already
    volume = subprocess.run(
        ["ffmpeg", "-i", str(path), "-af", "volumedetect", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert float(volume.split("mean_volume:")[1].split("dB")[0]) > -30


def check_cadence(pictures):
    """However little time the machine had: times on the recorder's grid, and no second of its clock without a keyframe first."""
    # Counted from the first: the sound that the encoder puts before it moves them all.
    since = [(at - pictures[0][0]) * FPS for at, _ in pictures]
    ticks = [round(tick) for tick in since]
    assert max(abs(at - tick) for at, tick in zip(since, ticks, strict=True)) < 0.1
    assert all(later > earlier for earlier, later in itertools.pairwise(ticks))
    keys = {tick for tick, (_, is_key) in zip(ticks, pictures, strict=True) if is_key}
    assert ticks[0] in keys

    # The stream's times count from its first picture, so where the clock's seconds begin in it has to be found.
    def begins_each_second(phase):
        seconds = itertools.groupby(ticks, lambda tick: (tick + phase) // FPS)
        return all(next(group) in keys for _, group in seconds)

    assert any(begins_each_second(phase) for phase in range(FPS))


def test_two_jobs_side_by_side(gateway, meeting, other_meeting, rtmp):
    meeting.state = other_meeting.state = "joined"
    gateway.client.put("/jobs/green", json=spec_of(meeting, rtmp, "green", "green"))
    gateway.client.put("/jobs/blue", json=spec_of(other_meeting, rtmp, "blue", "blue"))
    for name in ("green", "blue"):
        gateway.wait_for_state(name, "on_air")
    assert gateway.client.get("/healthz").json()["jobs"] == 2
    message = {"text": "for blue", "author": ""}
    # A busy machine's page may not take it at once; it is refused then, and asked again.
    wait_for(lambda: gateway.client.post("/jobs/blue/chat", json=message).status_code == 202)
    wait_for(lambda: other_meeting.chat == ["for blue"])
    assert meeting.chat == []

    gateway.client.delete("/jobs/green")
    assert gateway.wait_for_state("green", "idle")["reason"] == "stopped"
    sent = gateway.job("blue")["stats"]["frames"]
    wait_for(lambda: gateway.job("blue")["stats"]["frames"] > sent + 10)
    assert gateway.job("blue")["state"] == "on_air"
    assert gateway.client.put("/jobs/again", json=spec_of(meeting, rtmp, "again", "again")).status_code == 201
    for name in ("blue", "again"):
        gateway.client.delete(f"/jobs/{name}")
        gateway.wait_for_state(name, "idle")
    colors = {path.name.partition("-")[0]: color_of(path) for path in rtmp.recordings()}
    assert is_green(colors["green"])
    assert not is_green(colors["blue"])
    assert colors["blue"][2] > 90


def assert_capture_fails(gateway, meeting, rtmp, *, why):
    meeting.state = "joined"
    gateway.client.put("/jobs/j1", json=spec_of(meeting, rtmp))
    job = gateway.wait_for_state("j1", "idle")
    assert job["reason"] == "capture_failed"
    assert why in job["detail"]
    assert gateway.client.get("/healthz").json()["jobs"] == 0
    assert not rtmp.recordings()


def test_ffmpeg_that_does_not_start_ends_the_job(make_gateway, meeting, rtmp, tmp_path):
    unstartable = tmp_path / "ffmpeg"
    unstartable.write_text("#!/no/interpreter\n")
    unstartable.chmod(0o755)
    gateway = make_gateway(warm=0, ffmpeg=unstartable)
    assert_capture_fails(gateway, meeting, rtmp, why="ffmpeg can't be started")


def test_sound_server_that_is_not_installed_ends_the_job(make_gateway, meeting, rtmp, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    gateway = make_gateway(warm=0)
    assert_capture_fails(gateway, meeting, rtmp, why="PulseAudio does not start")


def test_what_breaks_is_mended_and_the_end_is_noticed(make_gateway, meeting, rtmp):
    meeting.still, meeting.state = True, "joined"
    gateway = make_gateway(chromium_arguments=SMALL_HEAP, warm=0, fps=FPS)
    gateway.client.put("/jobs/j1", json=spec_of(meeting, rtmp))
    gateway.wait_for_state("j1", "on_air")
    wait_for(lambda: gateway.job("j1")["stats"]["frames"] > 15)

    rtmp.kill()
    gateway.wait_for_state("j1", "recovering", "rtmp_lost")
    first = rtmp.recordings()[0]
    rtmp.start()
    gateway.wait_for_state("j1", "on_air")

    # A page that leaves the meeting is not shown meanwhile, and is opened anew when it stays away.
    meeting.state = "away"
    gateway.wait_for_state("j1", "recovering", "page_crashed")
    meeting.state = "joined"
    gateway.wait_for_state("j1", "on_air")

    meeting.crash_token = "now"
    gateway.wait_for_state("j1", "recovering", "page_crashed")
    gateway.wait_for_state("j1", "on_air")
    assert len(meeting.joins) == 3

    (browser,) = browsers(gateway)
    browser.kill()
    gateway.wait_for_state("j1", "recovering", "page_crashed")
    gateway.wait_for_state("j1", "on_air")
    assert len(meeting.joins) == 4

    meeting.state = "ended"
    assert gateway.wait_for_state("j1", "idle")["reason"] == "meeting_ended"
    check_cadence(packets(first, "v"))
    assert len(rtmp.recordings()) == 3  # the crash of the page alone did not break the stream
    assert all(is_green(color_of(path)) for path in rtmp.recordings())


def browsers(gateway):
    """The browsers' main processes: each has the others as its children."""
    found = []
    for child in gateway.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends while it is looked at
            if child.name() == "chromium" and "--type=" not in " ".join(child.cmdline()) and child.children():
                found.append(child)
    return found


def test_refused_by_the_meeting(gateway, meeting, rtmp):
    spec = spec_of(meeting, rtmp) | {"join_url": meeting.join_url.replace("/meeting", "/error")}
    gateway.client.put("/jobs/unwelcome", json=spec)
    job = gateway.wait_for_state("unwelcome", "idle")
    assert (job["reason"], job["detail"]) == ("join_refused", "guestDeny")
    assert not rtmp.recordings()


def test_refused_by_the_rtmp_server(gateway, meeting, rtmp):
    meeting.state = "joined"
    rtmp.kill()
    rtmp.refuses = True
    rtmp.start()
    gateway.client.put("/jobs/unheard", json=spec_of(meeting, rtmp))
    refused = wait_for(
        lambda: next((job for job in [gateway.job("unheard")] if job["reason"] == "rtmp_refused"), None)
    )
    assert refused["state"] in {"joining", "recovering"}
    assert "secret" not in refused["detail"]
    gateway.client.delete("/jobs/unheard")
    assert gateway.wait_for_state("unheard", "idle")["reason"] == "stopped"


def test_nothing_outlives_a_killed_gateway(make_gateway, meeting, rtmp):
    meeting.state = "joined"
    gateway = make_gateway()
    gateway.client.put("/jobs/j1", json=spec_of(meeting, rtmp))
    gateway.wait_for_state("j1", "on_air")
    children = gateway.children()
    assert any("ffmpeg" in child.name() for child in children)
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert [child for child in alive if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
