"""What the worker makes of a live whose publishers sent different sizes, profiles and sample rates."""

import subprocess
from array import array
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.utils import timezone

from amphi.audience.models import Airing, Replay
from amphi.audience.replays import editing, library, sheets, timeline
from amphi.system import recordings
from amphi.worker import replays
from tests.audience import published
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db

SECONDS = 4
TONE, RATE = 440, 48_000
BORDER = 5
"""In pixels: a picture of 4:3 has wider borders in a small picture, one of 16:9 has none."""


@pytest.fixture(scope="module")
def publishers(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("published")
    small, large = (
        published.flv(folder, SECONDS, *extra)
        for extra in (published.SMALL, (*published.LARGE, *published.LOWER))
    )
    return [small, large, small]


@pytest.fixture
def replay(settings, tmp_path, publishers) -> Replay:
    settings.USE_MEETING_WEBINAR, settings.RECORDINGS = True, tmp_path / "recordings"
    event_id = make_webinar(make_user("owner"), gateway=make_gateway("hall")).event_id
    began_at = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    airing = Airing.objects.create(
        event_id=event_id, began_at=began_at, ended_at=began_at + timedelta(minutes=5)
    )
    published.record(settings.RECORDINGS, event_id, began_at, publishers)
    library.begin(airing)
    return Replay.objects.get(airing=airing)


def made(replay: Replay) -> Path:
    """Have everything made; returns the file."""
    editing.ask_for_file(replay)
    (lease,) = replays.claim_due(limit=1, worker="w")
    replays.make(lease)
    replay.refresh_from_db()
    assert replay.file_state == "ready"
    return library.files_of(replay.airing.event_id) / replay.file_name


def output(*command: str) -> bytes:
    """What a command says, which must not complain."""
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert done.stderr == b""
    return done.stdout


def pictures(path: Path) -> list[str]:
    """A hash of each decoded picture, in its own size."""
    lines = output(
        "ffmpeg", "-v", "error", "-i", str(path), "-an", "-autoscale", "0", "-fps_mode", "passthrough", "-f", "framemd5", "-"
    )  # fmt: skip
    return [line.rpartition(",")[2].strip() for line in lines.decode().splitlines() if line[0] != "#"]


def tone(path: Path, start_s: float) -> float:
    """The pitch of a second of the sound, in Hz."""
    cut = ("-af", f"atrim={start_s}:{start_s + 1}", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
    heard = array("h", output("ffmpeg", "-v", "error", "-i", str(path), "-vn", *cut))
    assert len(heard) == pytest.approx(RATE, rel=0.01)
    return sum((one < 0) != (other < 0) for one, other in pairwise(heard)) / 2


def test_the_file_holds_every_picture_and_sound_of_each_publisher(replay, publishers):
    file = made(replay)
    assert pictures(file) == [one for path in publishers for one in pictures(path)]
    assert [tone(file, SECONDS * number + 1.5) for number in range(3)] == pytest.approx([TONE] * 3, abs=2)
    chunks = library.reel(replay).chunks
    shown = ("-show_entries", "format=duration", "-of", "csv=p=0")
    duration_s = float(output("ffprobe", "-v", "error", *shown, str(file)))
    assert duration_s == pytest.approx(timeline.duration_s(chunks), abs=0.15)


def test_small_pictures_are_whole_after_each_change(replay, monkeypatch):
    every_s = 1
    monkeypatch.setattr(
        sheets, "FILTER", sheets.FILTER.replace(f"fps=1/{sheets.EVERY_S}", f"fps=1/{every_s}")
    )
    folder = made(replay).parent
    assert replay.sheets == 1
    sheet = folder / sheets.name_of(replay.sheet_name, 1)
    pixels = output("ffmpeg", "-v", "error", "-i", str(sheet), "-f", "rawvideo", "-pix_fmt", "gray", "-")
    across = sheets.ACROSS * sheets.WIDTH

    def brightness(number: int, x: int) -> int:
        row, column = divmod(number, sheets.ACROSS)
        return pixels[(row * sheets.HEIGHT + sheets.HEIGHT // 2) * across + column * sheets.WIDTH + x]

    # Each is of the last keyframe until then: what came a moment after the fourth second is first seen at the fifth.
    has_border = [brightness(number, BORDER) < 20 for number in range(3 * SECONDS)]
    assert has_border == [False] * (SECONDS + 1) + [True] * SECONDS + [False] * (SECONDS - 1)
    # Beside the border, the picture's left edge is red.
    assert all(brightness(number, 30) > 40 for number in range(3 * SECONDS))
    # Nothing is left of what they were made from.
    assert sorted(one.name for one in folder.iterdir()) == sorted([replay.file_name, sheet.name])


def test_what_the_disk_lost_is_told_and_leaves_nothing(replay, caplog):
    (folder,) = recordings.of_event(library.root(), replay.airing.event_id)
    chunk = library.reel(replay).chunks[-1]
    (folder / chunk.name).write_bytes((folder / chunk.name).read_bytes()[:-1000])
    editing.ask_for_file(replay)
    (lease,) = replays.claim_due(limit=1, worker="w")
    replays.make(lease)
    replay.refresh_from_db()
    assert (replay.file_state, replay.sheets) == ("failed", 0)
    assert "no file can be made" in caplog.text
    assert list(library.files_of(replay.airing.event_id).iterdir()) == []
