"""Two ffmpeg publish one stream, with other pictures and other clocks; the first is killed. What is recorded, made of it, and encoded smaller goes on."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from django.utils import timezone

from amphi.audience.models import Airing, Replay
from amphi.audience.replays import editing, library, sheets, timeline
from amphi.origin import access, server, standby
from amphi.origin.config import Config
from amphi.origin.conformance.media import MediaCheck
from amphi.origin.fmp4.flv import VideoFrame
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.renditions import rendition
from amphi.origin.renditions.rendition import Rendition
from amphi.origin.stream import Stream
from amphi.system import recordings
from amphi.worker import replays
from tests.contract.origin_ffmpeg import run
from tests.factories import make_gateway, make_user, make_webinar
from tests.origin.running import Running, eventually, running_origin
from tests.wire import WireServer, answer

pytestmark = pytest.mark.django_db

RED, BLUE = "red", "blue"
LOW, HIGH = 440, 880
SAME = ("-profile:v", "main")
LARGER = ("-profile:v", "main", "-s", "960x540")
SOUND_ALONE = ("-vn",)
SEAM_S = 0.3
"""The last picture stays until a part is whole."""
RATE = 8000
ENCODED_S = 240.0
"""Small pictures are encoded with what time others leave."""


def _publish_command(url: str, colour: str, tone: int, clock_s: int, extra: tuple[str, ...]) -> list[str]:
    return [
        "ffmpeg", "-nostdin", "-loglevel", "error", "-re",
        "-f", "lavfi", "-i", f"color=c={colour}:size=640x480:rate=25",
        "-re", "-f", "lavfi", "-i", f"sine=frequency={tone}:sample_rate=48000",
        "-t", "120", "-output_ts_offset", str(clock_s), "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p",
        "-g", "25", "-c:a", "aac", *extra, "-f", "flv", url,
    ]  # fmt: skip


async def _start(command: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)


async def _end(processes: Iterable[asyncio.subprocess.Process]) -> None:
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class Small:
    """A smaller picture, as it was when the stream had ended.

    Attributes:
        encoded: the numbers of segments that came from the encoder.
        faults: what is wrong in the media.
        is_in_step: whether each segment is as the publisher's: number, time, discontinuity, parts.
    """

    encoded: list[int]
    faults: list[str]
    is_in_step: bool


@dataclass
class Switched:
    """What was seen.

    Attributes:
        killed_in: the number of the segment that grew when the first publisher was killed.
        pictures: how many came meanwhile, or more were recorded.
        discontinuities: the numbers of segments that have one before them.
        faults: what is wrong in the media.
        small: of the smaller picture; None without pictures.
    """

    killed_in: int
    pictures: int
    discontinuities: list[int]
    faults: list[str]
    small: Small | None


def _faults(playlist: MediaPlaylist) -> list[str]:
    check, found, init = MediaCheck(), [], -1
    for segment in playlist.listed():
        if segment.discontinuity or segment.init != init:
            # Browsers go on with another initialization segment; the times must still fit, unless there is a discontinuity.
            found += map(str, check.begin(playlist.inits[segment.init]))
            init = segment.init
        for part in segment.parts:
            taken = check.take(str(part.number), part.data, part.ticks / 90_000, independent=part.independent)
            found += map(str, taken)
    return found


def _is_encoded(small: Rendition, stream: Stream, number: int) -> bool:
    own = next((one for one in small.playlist.listed() if one.number == number), None)
    return own is not None and small.playlist.inits[own.init] not in stream.playlist.inits.values()


def _small(small: Rendition, stream: Stream) -> Small:
    def shape(playlist: MediaPlaylist) -> list[object]:
        parts = [
            (
                one.number,
                one.started_at,
                one.discontinuity,
                [(p.number, p.ticks, p.independent) for p in one.parts],
            )
            for one in playlist.listed()
        ]
        return [playlist.discontinuity_sequence, *parts]

    numbers = [one.number for one in small.playlist.listed() if _is_encoded(small, stream, one.number)]
    return Small(numbers, _faults(small.playlist), shape(small.playlist) == shape(stream.playlist))


def _count_pictures(stream: Stream) -> list[int]:
    """The times of all pictures that come from now on, in 90 kHz."""
    came: list[int] = []
    passed_on = stream.segmenter.on_picture

    def note(frame: VideoFrame, dts: int) -> None:
        came.append(dts)
        if passed_on is not None:
            passed_on(frame, dts)

    stream.segmenter.on_picture = note
    return came


async def _kill_the_first(origin: Running, first: tuple[str, ...], second: tuple[str, ...]) -> Switched:
    url = f"{origin.rtmp}/hall?key=k"
    has_pictures = "-vn" not in first
    running = [await _start(_publish_command(url, RED, LOW, 0, first))]
    try:
        streams = origin.origin.streams
        await eventually(lambda: (found := streams.get("hall")) and found.playlist.ready)
        running.append(await _start(_publish_command(f"{url}&standby=1", BLUE, HIGH, 7000, second)))
        stream = streams.get("hall")
        await eventually(lambda: stream.standby and stream.standby.resume(stream.last_media_at).tags)

        def small() -> Rendition | None:
            # Each look is a listener who asks.
            return stream.renditions.want("360p") if has_pictures else None

        def advances(*, since: int) -> bool:
            smaller, last = small(), stream.playlist.last_number
            return last > since + 3 and (smaller is None or _is_encoded(smaller, stream, last - 1))

        came = _count_pictures(stream)
        await eventually(lambda: advances(since=stream.playlist.segments[0].number), patience_s=ENCODED_S)
        shown, killed_in = stream.publisher, stream.playlist.last_number + 1
        running[0].kill()
        await eventually(lambda: stream.publisher is not shown)
        await eventually(lambda: advances(since=killed_in), patience_s=ENCODED_S)
        smaller = small()
        # It says that it leaves: the stream is over, and so is its recording.
        running[1].terminate()
        await eventually(lambda: stream.playlist.ended)
        return Switched(
            killed_in,
            len(came),
            [one.number for one in stream.playlist.listed() if one.discontinuity],
            _faults(stream.playlist),
            _small(smaller, stream) if smaller is not None else None,
        )
    finally:
        await _end(running)


def _record(root: Path, event_id: int, first: tuple[str, ...], second: tuple[str, ...]) -> Switched:
    async def all_of_it() -> Switched:
        says = {"X-Amphi-Event": str(event_id), "X-Amphi-Keep": "1"}
        with WireServer(lambda _: answer("", **says)) as platform:
            config = Config(
                on_publish=platform.url, recordings=root, recordings_free_bytes=0, encoders=1, slate=False
            )
            async with running_origin(config) as origin:
                return await _kill_the_first(origin, first, second)

    return asyncio.run(all_of_it())


def _output(*command: str) -> bytes:
    return asyncio.run(run(*command))


def _packets(path: Path, track: str) -> list[float]:
    show = ("-select_streams", track, "-show_entries", "packet=dts_time", "-of", "json")
    said = json.loads(_output("ffprobe", "-v", "error", *show, str(path)))
    return [float(one["dts_time"]) for one in said["packets"]]


def _colours(path: Path) -> list[str]:
    """The colours that are seen, one after the other."""
    scaled = ("-vf", "scale=1:1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    pixels = _output("ffmpeg", "-v", "error", "-i", str(path), *scaled)
    names = [RED if pixels[at] > pixels[at + 2] else BLUE for at in range(0, len(pixels), 3)]
    return [name for name, _ in groupby(names)]


def _tones(path: Path) -> list[int]:
    """The tones that are heard, one after the other, each for a second at least."""
    mono = ("-vn", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
    heard = memoryview(_output("ffmpeg", "-v", "error", "-i", str(path), *mono)).cast("h")
    step = RATE // 4
    found = []
    for at in range(0, len(heard) - step, step):
        crossings = sum((one < 0) != (other < 0) for one, other in pairwise(heard[at : at + step]))
        hertz = crossings * 2
        found.append(next((tone for tone in (LOW, HIGH) if abs(tone - hertz) < tone / 10), 0))
    return [tone for tone, times in groupby(found) if tone and len(list(times)) >= 4]


def _made(event_id: int, root: Path) -> Replay:
    """The replay of what was recorded, with what the worker makes of it."""
    (folder,) = recordings.of_event(root, event_id)
    airing = Airing.objects.create(
        event_id=event_id, began_at=recordings.began_at(folder), ended_at=timezone.now()
    )
    library.begin(airing)
    editing.ask_for_file(Replay.objects.get(airing=airing))
    (lease,) = replays.claim_due(limit=1, worker="w")
    replays.make(lease)
    return Replay.objects.get(airing=airing)


@pytest.fixture(autouse=True)
def _only_death_counts(monkeypatch):
    """Nothing here follows from how busy the machine is."""
    for module, name in (
        (standby, "SILENT"),
        (standby, "BLIND"),
        (access, "CALLBACK_TIMEOUT"),
        (server, "START_TIMEOUT"),
    ):
        monkeypatch.setattr(module, name, timedelta(minutes=2))
    monkeypatch.setattr(rendition, "LATE_S", 2 * ENCODED_S)
    # The recording is whole before anything is made of it.
    monkeypatch.setattr(replays, "SETTLES", timedelta())


@pytest.mark.parametrize(
    ("second", "discontinuities"),
    [(SAME, 0), (LARGER, 1)],
    ids=["the same size", "another size"],
)
def test_recording_and_smaller_pictures_go_on_with_the_second(settings, tmp_path, second, discontinuities):
    settings.USE_MEETING_WEBINAR, settings.RECORDINGS = True, tmp_path
    event_id = make_webinar(make_user("owner"), gateway=make_gateway("hall")).event_id
    seen = _record(tmp_path, event_id, SAME, second)
    assert (len(seen.discontinuities), seen.faults) == (discontinuities, [])
    assert seen.small is not None
    assert (seen.small.is_in_step, seen.small.faults) == (True, [])
    assert min(seen.small.encoded) < seen.killed_in < max(seen.small.encoded)

    replay = _made(event_id, tmp_path)
    chunks = library.reel(replay).chunks
    assert (replay.file_state, replay.sheets) == ("ready", 1)
    file = library.files_of(event_id) / replay.file_name
    assert (file.parent / sheets.name_of(replay.sheet_name, 1)).stat().st_size > 0
    assert _colours(file) == [RED, BLUE]
    assert _tones(file) == [LOW, HIGH]
    long_s = timeline.duration_s(chunks)
    for track in ("v", "a"):
        times = _packets(file, track)
        steps = [after - before for before, after in pairwise(times)]
        assert min(steps) > 0
        assert max(steps) < SEAM_S
        assert times[-1] - times[0] == pytest.approx(long_s, abs=SEAM_S)
    assert len(_packets(file, "v")) >= seen.pictures


def test_recording_of_sound_alone_goes_on_with_the_second(settings, tmp_path):
    settings.USE_MEETING_WEBINAR, settings.RECORDINGS = True, tmp_path
    event_id = make_webinar(make_user("owner"), gateway=make_gateway("hall")).event_id
    seen = _record(tmp_path, event_id, SOUND_ALONE, SOUND_ALONE)
    assert seen.faults == []
    replay = _made(event_id, tmp_path)
    file = library.files_of(event_id) / replay.file_name
    assert _tones(file) == [LOW, HIGH]
    steps = [after - before for before, after in pairwise(_packets(file, "a"))]
    assert 0 < min(steps) <= max(steps) < SEAM_S
