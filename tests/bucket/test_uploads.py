"""Recordings on their way into the bucket of a real S3 server and out of it: nothing is lost, and nothing stays that should not."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from amphi.audience.models import Airing, BucketItem, Replay
from amphi.audience.replays import away, editing, library
from amphi.bucket.exceptions import BucketUnreachableError
from amphi.bucket.store import Bucket
from amphi.system import recordings
from amphi.worker import pod_transfers, replays, uploads
from tests.audience import reels
from tests.bucket import seaweedfs
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucketed")]

CHUNKS = [b"one chunk", b"another", b"the last one"]


@pytest.fixture
def livestream(bucketed):
    return make_webinar(make_user("owner"), gateway=make_gateway("hall"))


def make_replay(livestream, *, ago: timedelta = timedelta(hours=1), chunks=CHUNKS) -> Replay:
    """A replay of which all is made, so that it is to be uploaded."""
    began_at = timezone.now().replace(microsecond=0) - ago
    airing = Airing.objects.create(
        event=livestream.event, began_at=began_at, ended_at=began_at + timedelta(minutes=5)
    )
    reels.record(library.root(), livestream.event_id, began_at, list(chunks))
    replay = Replay.objects.create(airing=airing, sheets=0, delete_at=timezone.now() + timedelta(days=9))
    away.plan([replay])
    return replay


def carry_out() -> None:
    """Do what is due once."""
    for lease in uploads.claim_due(limit=9, worker="w"):
        uploads.carry_out(lease)


def again() -> None:
    """Do what is to be tried again later."""
    BucketItem.objects.exclude(attempt_at=None).update(attempt_at=timezone.now())
    carry_out()


def leave() -> None:
    """The time for which things stay in the folder has passed."""
    BucketItem.objects.exclude(local_until=None).update(local_until=timezone.now())
    uploads.make_room(timezone.now())


def folder_of(replay: Replay) -> Path:
    [folder] = library.folders_of(replay.airing)
    return folder


def local(replay: Replay) -> set[str]:
    return {one.suffix for one in folder_of(replay).iterdir()}


def state() -> list[tuple[str, str]]:
    return list(BucketItem.objects.values_list("state", "reason"))


def test_all_of_a_recording_is_there_before_anything_leaves_the_folder(livestream, place, settings):
    replay = make_replay(livestream)
    playlist = library.reel(replay).playlist
    assert state() == [("waiting", "")]
    leave()
    assert local(replay) == {"", ".m4s", ".mp4"}
    carry_out()
    assert state() == [("stored", "")]
    item = BucketItem.objects.get()
    assert item.local_until > timezone.now() + timedelta(hours=settings.BUCKET_LOCAL_HOURS - 1)
    assert item.size_bytes == recordings.size_bytes(folder_of(replay)) == away.size_bytes()
    there = {name.rpartition("/")[2] for name in seaweedfs.names_in(place)}
    assert there == {one.name for one in folder_of(replay).iterdir()}
    leave()
    assert local(replay) == {""}
    # What is shown is the same, and nothing is due any more.
    assert library.reel(replay).playlist == playlist
    replays.tidy(timezone.now())
    assert uploads.claim_due(limit=9) == []


def test_upload_that_broke_off_goes_on_where_it_was(livestream, place, monkeypatch):
    replay = make_replay(livestream)
    put, done = Bucket.put, []

    def breaks(self, name, content, **options):
        if len(done) == 2:
            raise BucketUnreachableError("no answer in time")
        done.append(name)
        put(self, name, content, **options)

    monkeypatch.setattr(Bucket, "put", breaks)
    carry_out()
    assert state() == [("waiting", "unreachable")]
    assert uploads.claim_due(limit=9) == []
    monkeypatch.setattr(
        Bucket,
        "put",
        lambda self, name, *rest, **options: (done.append(name), put(self, name, *rest, **options)),
    )
    again()
    assert state() == [("stored", "")]
    assert len(done) == len(set(done)) == len(seaweedfs.names_in(place)) == 5
    assert done[-1].endswith("/index")
    assert local(replay) == {"", ".m4s", ".mp4"}


def test_server_that_is_down_loses_nothing(livestream, settings, free_port, caplog):
    replay = make_replay(livestream)
    settings.BUCKET_URL = f"http://127.0.0.1:{free_port}/replays"
    settings.RECORDINGS_GIB = 0
    carry_out()
    pauses = []
    for _ in range(8):
        again()
        pauses.append((BucketItem.objects.get().attempt_at - timezone.now()).total_seconds())
    assert state() == [("waiting", "unreachable")]
    assert pauses[-1] <= uploads.LONGEST_PAUSE.total_seconds()
    replays.tidy(timezone.now())
    assert Replay.objects.exists()
    assert local(replay) == {"", ".m4s", ".mp4"}
    assert "nothing of them is deleted" in caplog.text


@pytest.mark.parametrize(("secret", "reason"), [("wrong", "refused")])
def test_what_is_wrong_is_told_and_mended(livestream, settings, secret, reason, caplog):
    make_replay(livestream)
    right, settings.BUCKET_SECRET = settings.BUCKET_SECRET, secret
    carry_out()
    assert state() == [("waiting", reason)]
    assert secret not in caplog.text.replace("wrong bucket", "")
    settings.BUCKET_SECRET = right
    again()
    assert state() == [("stored", "")]


def test_folder_is_freed_before_its_time_where_room_is_short(livestream, settings):
    replay = make_replay(livestream)
    carry_out()
    settings.RECORDINGS_GIB = 0
    uploads.make_room(timezone.now())
    assert local(replay) == {""}


def test_bucket_is_bounded_by_its_own_setting(livestream, settings):
    old, new = (make_replay(livestream, ago=timedelta(days=days)) for days in (9, 8))
    carry_out()
    settings.RECORDINGS_GIB = 0
    replays.tidy(timezone.now())
    assert Replay.objects.count() == 2
    settings.BUCKET_GIB = 0
    Replay.objects.filter(pk=old.pk).update(played_at=timezone.now())
    replays.tidy(timezone.now())
    # Nothing is deleted that is played.
    assert list(Replay.objects.all()) == [old]
    assert BucketItem.objects.filter(state="unwanted").count() == 1
    del new


def test_recording_that_still_grows_waits(livestream):
    replay = make_replay(livestream)
    index = folder_of(replay) / recordings.INDEX
    index.write_bytes(index.read_bytes().replace(b'{"end":true}\n', b""))
    carry_out()
    assert state() == [("waiting", "")]
    # Its origin died.
    long_ago = (timezone.now() - timedelta(minutes=11)).timestamp()
    os.utime(index, (long_ago, long_ago))
    again()
    assert state() == [("stored", "")]


def test_only_what_is_whole_of_a_chunk_goes(livestream, place):
    replay = make_replay(livestream)
    last = library.reel(replay).chunks[-1]
    with (folder_of(replay) / last.name).open("ab") as file:
        file.write(b"begun, and never told of")
    carry_out()
    assert Bucket.sizes(uploads.bucket(), str(BucketItem.objects.get()))[last.name] == len(CHUNKS[-1])
    leave()
    assert b"BYTERANGE" not in library.reel(replay).playlist


def test_what_comes_later_follows(livestream, place):
    replay = make_replay(livestream)
    carry_out()
    leave()
    # The disk was full for long, and the origin went on.
    folder = folder_of(replay)
    (folder / "AAAAAAAA.m4s").write_bytes(b"more")
    init = library.reel(replay).chunks[0].init
    with (folder / recordings.INDEX).open("ab") as index:
        index.write(
            b'{"chunk":"AAAAAAAA.m4s","init":"%s","at":1,"gap":true}\n{"ticks":9,"bytes":4}\n{"end":true}\n'
            % init.encode()
        )
    replays.tidy(timezone.now())
    assert state() == [("waiting", "")]
    carry_out()
    assert state() == [("stored", "")]
    assert len(seaweedfs.names_in(place)) == 6


def test_deleted_while_it_is_uploaded(livestream, place, monkeypatch):
    replay = make_replay(livestream)
    put = Bucket.put

    def deletes(self, name, content, **options):
        put(self, name, content, **options)
        if Replay.objects.exists():
            editing.delete(replay)

    monkeypatch.setattr(Bucket, "put", deletes)
    carry_out()
    assert state() == [("unwanted", "")]
    assert len(seaweedfs.names_in(place)) == 1
    carry_out()
    assert seaweedfs.names_in(place) == []
    # Once more: an upload of a worker that hung may have come meanwhile.
    again()
    assert not BucketItem.objects.exists()


def test_replay_of_an_event_that_was_deleted_leaves_the_bucket(livestream, place):
    replay = make_replay(livestream)
    Replay.objects.filter(pk=replay.pk).update(file_state="ready", file_name="AAAAAAAA.mp4")
    file = library.files_of(livestream.event_id) / "AAAAAAAA.mp4"
    file.parent.mkdir()
    file.write_bytes(b"a video")
    away.plan([Replay.objects.get()])
    carry_out()
    assert len(seaweedfs.names_in(place)) == 6
    livestream.event.delete()
    replays.tidy(timezone.now())
    carry_out()
    assert seaweedfs.names_in(place) == []
    later = timezone.now() + replays.SURPLUS_KEPT + timedelta(hours=1)
    replays.tidy(later)
    assert [one for one in library.root().rglob("*") if one.is_file()] == []


def test_recording_of_two_lives_stays_for_the_other(livestream, place):
    replay = make_replay(livestream)
    other = Airing.objects.create(
        event=livestream.event,
        began_at=replay.airing.ended_at,
        ended_at=replay.airing.ended_at + timedelta(minutes=1),
    )
    Replay.objects.create(airing=other, sheets=0)
    carry_out()
    editing.delete(replay)
    assert state() == [("stored", "")]
    assert len(seaweedfs.names_in(place)) == 5


def test_folder_that_was_lost_shows_its_replays_again(livestream):
    replay = make_replay(livestream)
    carry_out()
    playlist = library.reel(replay).playlist
    shutil.rmtree(library.root())
    assert library.reel(replay).chunks == []
    replays.tidy(timezone.now())
    assert library.reel(replay).playlist == playlist
    assert state() == [("stored", "")]


def test_file_comes_back_for_esup_pod(livestream, free_port, settings):
    replay = make_replay(livestream)
    replay.file_state, replay.file_name = Replay.FileState.READY, "AAAAAAAA.mp4"
    replay.save()
    file = library.files_of(livestream.event_id) / replay.file_name
    file.parent.mkdir()
    file.write_bytes(b"a video")
    away.plan([replay])
    carry_out()
    leave()
    assert not file.exists()
    there, settings.BUCKET_URL = settings.BUCKET_URL, f"http://127.0.0.1:{free_port}/replays"
    assert not pod_transfers._is_here(replay, file)
    settings.BUCKET_URL = there
    assert pod_transfers._is_here(replay, file)
    assert file.read_bytes() == b"a video"
    # For a while.
    uploads.make_room(timezone.now())
    assert file.exists()
    uploads.make_room(timezone.now() + timedelta(hours=3))
    assert not file.exists()


def test_object_that_vanished_fails_the_file_alone(livestream, place, caplog):
    replay = make_replay(livestream)
    carry_out()
    leave()
    uploads.bucket().delete(seaweedfs.names_in(place)[:3])
    editing.ask_for_file(replay)
    for lease in replays.claim_due(limit=1):
        replays.make(lease)
    replay.refresh_from_db()
    assert replay.file_state == "failed"
    assert "is neither in the folder nor in the bucket" in caplog.text


def test_file_waits_while_the_bucket_does_not_answer(livestream, settings, free_port):
    replay = make_replay(livestream)
    carry_out()
    leave()
    settings.BUCKET_URL = f"http://127.0.0.1:{free_port}/replays"
    editing.ask_for_file(replay)
    for lease in replays.claim_due(limit=1):
        replays.make(lease)
    replay.refresh_from_db()
    assert (replay.file_state, replay.failures) == ("wanted", 1)
