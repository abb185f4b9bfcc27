"""ffmpeg publishes, the origin is killed in the middle and started again, and ffmpeg reads the whole replay."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from amphi.audience.replays import timeline
from amphi.system import recordings
from tests import ports, services
from tests.contract.origin_ffmpeg import publish_command
from tests.wire import WireServer, answer

PATIENCE_S = 60.0
LAST_PARTS = re.compile(r"#EXT-X-PART:DURATION=([\d.]+)")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listed_s(url: str) -> float:
    """How much of a stream a playlist lists, with the parts of the segment that grows."""
    try:
        with urlopen(url, timeout=5) as answered:  # noqa: S310 -- the test's own origin
            text = answered.read().decode()
    except HTTPError:
        return 0.0
    whole = [float(found) for found in re.findall(r"#EXTINF:([\d.]+)", text)]
    growing = text.rpartition("#EXTINF")[2]
    return sum(whole) + sum(float(found) for found in LAST_PARTS.findall(growing))


class Studio:
    """An origin process that records, and ffmpeg that publishes to it."""

    def __init__(self, stack: ExitStack, folder: Path, platform: WireServer) -> None:
        self.stack = stack
        self.folder = folder
        self.rtmp, self.http = ports.reserve(), ports.reserve()
        self.environment = services.environment(
            folder,
            AMPHI_RECORDINGS=str(folder / "recordings"),
            AMPHI_RECORDINGS_FREE_GIB="0",
            AMPHI_ORIGIN_RTMP=f"127.0.0.1:{self.rtmp}",
            AMPHI_ORIGIN_HTTP=f"127.0.0.1:{self.http}",
            AMPHI_ORIGIN_ON_PUBLISH=platform.url,
        )

    def origin(self) -> subprocess.Popen[bytes]:
        url = f"http://127.0.0.1:{self.http}"
        return services.serve(self.stack, self.environment, self.folder, "origin", answers=f"{url}/healthz")

    def publish(self, seconds: float) -> subprocess.Popen[bytes]:
        command = publish_command(f"rtmp://127.0.0.1:{self.rtmp}/live/lecture", seconds=seconds)
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def recorded(self) -> list[recordings.Recording]:
        found = recordings.of_event(self.folder / "recordings", 42)
        return [one for folder in found if (one := recordings.read(folder))]


@pytest.fixture
def platform():
    with WireServer(lambda _: answer("", **{"X-Amphi-Event": "42", "X-Amphi-Keep": "1"})) as server:
        yield server


def frames(path: Path) -> int:
    """How many pictures ffmpeg reads, without a word of complaint."""
    show = ("-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets")
    output = subprocess.run(
        ["ffprobe", "-v", "error", "-allowed_extensions", "ALL", *show, "-of", "csv=p=0", str(path)],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert output.stderr == b""
    return int(output.stdout.split()[0])


def in_one_file(found: recordings.Recording, path: Path) -> Path:
    whole = [(found.folder / one.name).read_bytes()[: one.size_bytes] for one in found.whole]
    path.write_bytes((found.folder / found.chunks[0].init).read_bytes() + b"".join(whole))
    return path


def test_the_replay_holds_all_that_arrived_before_the_origin_was_killed(tmp_path, platform):
    with ExitStack() as stack:
        studio = Studio(stack, tmp_path, platform)
        origin = studio.origin()
        studio.publish(60)
        url = f"http://127.0.0.1:{studio.http}/hls/lecture/main.m3u8"
        until(lambda: listed_s(url) > 3)
        arrived_s = listed_s(url)
        origin.send_signal(signal.SIGKILL)
        origin.wait()
        (killed,) = studio.recorded()
        assert timeline.duration_s(killed.whole) >= arrived_s - 0.001
        assert not killed.is_ended
        studio.origin()
        studio.publish(3).wait(PATIENCE_S)
        until(lambda: len(studio.recorded()) == 2 and studio.recorded()[1].is_ended)
        chunks = timeline.join(one.whole for one in studio.recorded())
        root = tmp_path / "recordings" / "42"
        lengths = {
            one.name: one.size_bytes
            for one in chunks
            if (root / one.recording / one.name).stat().st_size != one.size_bytes
        }
        playlist = root / timeline.PLAYLIST
        playlist.write_bytes(timeline.playlist(chunks, is_over=True, lengths=lengths))
        assert playlist.read_text().count("#EXT-X-DISCONTINUITY\n") == 1
        counts = [frames(in_one_file(one, tmp_path / f"{one.folder.name}.mp4")) for one in studio.recorded()]
        assert frames(playlist) == sum(counts)
        assert counts[0] >= (arrived_s - 0.5) * 25
        assert counts[1] == 75
        # The gap between both is none for the player, and known on the wall clock.
        before, after = timeline.spans(chunks)
        assert after.media_ms == pytest.approx(before.duration_ms, abs=2)
        assert after.wall_ms > before.wall_ms + before.duration_ms
        assert datetime.fromtimestamp(before.wall_ms / 1000, UTC) < datetime.now(UTC)
