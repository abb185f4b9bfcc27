"""What the worker makes of replays and when it deletes them, and the chapters that BigBlueButton's webhooks begin."""

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from amphi.audience.models import Airing, Replay
from amphi.audience.replays import editing, library, sheets
from amphi.system import recordings
from amphi.worker import replays
from tests.audience import reels
from tests.factories import make_gateway, make_user, make_webinar
from tests.webhooks import deliver, event

pytestmark = pytest.mark.django_db

SECONDS = 6
SHOW = ("-show_entries", "format=duration:stream=codec_type,nb_read_packets")


@pytest.fixture
def root(settings, tmp_path) -> Path:
    settings.USE_MEETING_WEBINAR = True
    settings.RECORDINGS = tmp_path / "recordings"
    return settings.RECORDINGS


@pytest.fixture
def livestream(root):
    return make_webinar(make_user("owner"), gateway=make_gateway("hall"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> tuple[bytes, list[bytes]]:
    return reels.pictures(tmp_path_factory.mktemp("pictures"), SECONDS)


def make_replay(livestream, *, ago: timedelta = timedelta(hours=1), chunks=(b"x",), init=b"init") -> Replay:
    began_at = timezone.now().replace(microsecond=0) - ago
    airing = Airing.objects.create(
        event=livestream.event, began_at=began_at, ended_at=began_at + timedelta(minutes=5)
    )
    reels.record(library.root(), livestream.event_id, began_at, list(chunks), init=init)
    library.begin(airing)
    return Replay.objects.get(airing=airing)


def work() -> None:
    for lease in replays.claim_due(limit=1, worker="w"):
        replays.make(lease)


def probed(path: Path) -> dict[str, object]:
    output = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", *SHOW, "-of", "json", str(path)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert output.stderr == b""
    return json.loads(output.stdout)


def test_worker_makes_the_file_and_the_small_pictures(livestream, pictures):
    init, chunks = pictures
    replay = make_replay(livestream, chunks=chunks, init=init)
    # The publisher was lost, and came back with another recording.
    reels.record(
        library.root(), livestream.event_id, replay.airing.began_at + timedelta(minutes=1), chunks, init=init
    )
    editing.ask_for_file(replay)
    work()
    replay.refresh_from_db()
    assert replay.file_state == "ready"
    folder = library.files_of(livestream.event_id)
    found = probed(folder / replay.file_name)
    packets = {one["codec_type"]: int(one["nb_read_packets"]) for one in found["streams"]}
    assert packets["video"] == 2 * SECONDS * 25
    assert float(found["format"]["duration"]) == pytest.approx(2 * SECONDS, abs=0.3)
    assert replay.sheets == 1
    picture = probed(folder / sheets.name_of(replay.sheet_name, 1))
    assert picture["streams"][0]["codec_type"] == "video"
    assert replays.claim_due(limit=1) == []
    # What is cut off is in no file any more.
    editing.trim(replay, replay.airing.began_at + timedelta(seconds=2), None)
    assert list(folder.iterdir()) == []
    assert [one.name for one in library.folder_of(livestream.event_id).glob("*.m3u8")] == []


def test_what_is_cut_while_the_file_is_made_is_in_no_file(livestream, pictures, monkeypatch):
    init, chunks = pictures
    replay = make_replay(livestream, chunks=chunks, init=init)
    editing.ask_for_file(replay)
    made = replays._ffmpeg

    def cut_meanwhile(*arguments, **options) -> bool:
        is_made = made(*arguments, **options)
        editing.trim(Replay.objects.get(), replay.airing.began_at + timedelta(seconds=2), None)
        return is_made

    monkeypatch.setattr(replays, "_ffmpeg", cut_meanwhile)
    work()
    assert list(library.files_of(livestream.event_id).iterdir()) == []
    assert Replay.objects.get().file_state == ""


def test_a_picture_that_is_none_is_told_and_not_tried_for_ever(livestream, caplog):
    replay = make_replay(livestream)
    editing.ask_for_file(replay)
    work()
    replay.refresh_from_db()
    assert (replay.file_state, replay.sheets) == ("failed", 0)
    assert "ffmpeg" in caplog.text
    assert replays.claim_due(limit=1) == []


def old(folder: Path, age: timedelta) -> None:
    at = (timezone.now() - age).timestamp()
    os.utime(folder / recordings.INDEX, (at, at))


@pytest.mark.parametrize(
    ("delete_in", "played_ago", "is_kept"),
    [
        (timedelta(days=1), None, True),
        (timedelta(seconds=-1), None, False),
        # Somebody may be watching it.
        (timedelta(seconds=-1), timedelta(hours=1), True),
        (timedelta(seconds=-1), timedelta(hours=13), False),
    ],
)
def test_replays_are_deleted_when_their_time_has_passed(livestream, delete_in, played_ago, is_kept):
    replay = make_replay(livestream, ago=timedelta(days=2))
    now = timezone.now()
    Replay.objects.update(delete_at=now + delete_in, played_at=now - played_ago if played_ago else None)
    replays.tidy(now)
    assert Replay.objects.exists() is is_kept
    assert bool(library.folders_of(replay.airing)) is is_kept


def test_recordings_of_no_replay_are_deleted_after_two_days(livestream, root):
    kept = make_replay(livestream, ago=timedelta(days=9))
    for folder in library.folders_of(kept.airing):
        old(folder, timedelta(days=9))
    backstage = reels.record(root, livestream.event_id, timezone.now() - timedelta(days=30), [b"x"])
    replays.tidy(timezone.now())
    assert backstage.exists()
    old(backstage, timedelta(days=3))
    replays.tidy(timezone.now())
    assert not backstage.exists()
    assert Replay.objects.filter(pk=kept.pk).exists()
    assert library.folders_of(kept.airing)


def test_the_oldest_replays_make_room(livestream, settings, monkeypatch, caplog):
    ages = [timedelta(days=days) for days in (3, 2, 1)]
    oldest, middle, newest = (make_replay(livestream, ago=age, chunks=[b"x" * 1000]) for age in ages)
    Replay.objects.filter(pk=oldest.pk).update(played_at=timezone.now())
    monkeypatch.setattr(replays, "GIB", 3000)
    settings.RECORDINGS_GIB = 1
    replays.tidy(timezone.now())
    # The oldest is being played.
    assert set(Replay.objects.values_list("pk", flat=True)) == {oldest.pk, newest.pk}
    assert f"replay {middle.pk}" in caplog.text


def slides(livestream, client, at: datetime) -> None:
    meeting = livestream.meeting
    at_s = (at - timezone.now()).total_seconds()
    deliver(client, meeting, event(meeting, "meeting-presentation-changed", at_s))


def test_other_slides_begin_a_chapter_of_what_is_on_the_air(livestream, client, settings):
    settings.BBB_SECRET_KEY = "secret"
    now = timezone.now()
    slides(livestream, client, now)
    airing = Airing.objects.create(event=livestream.event, began_at=now)
    library.begin(airing)
    slides(livestream, client, now + timedelta(seconds=1))
    slides(livestream, client, now + timedelta(seconds=2))
    assert [one.title for one in Replay.objects.get().chapters.all()] == ["Diaporama 1", "Diaporama 2"]
