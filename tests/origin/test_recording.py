"""What the origin keeps: whatever part was written and told of in the index can be read, whenever the writer died."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.recording import files as files_module
from amphi.origin.recording import recorder as recorder_module
from amphi.origin.recording.files import Beginning, RecordingFiles
from amphi.origin.recording.recorder import Recorder
from amphi.system import recordings

BEGAN = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
SECOND = recordings.TICKS_PER_S


def beginning(second: int, *, init: bytes = b"init", is_gap: bool = False) -> Beginning:
    return Beginning(BEGAN + timedelta(seconds=second), is_gap, init)


@pytest.fixture
def files(tmp_path) -> Iterator[RecordingFiles]:
    made = RecordingFiles(tmp_path, 0, stream="salle-1", event_id=42, session="0a1b2c", began_at=BEGAN)
    yield made
    made.close()


def add_seconds(files: RecordingFiles, first: int, last: int, **options) -> None:
    """One segment a second, of two parts."""
    for second in range(first, last):
        files.add(beginning(second, **options), SECOND // 2, f"a{second}".encode())
        files.add(None, SECOND // 2, f"b{second}".encode())


def read(files: RecordingFiles) -> recordings.Recording:
    found = recordings.read(files.folder)
    assert found is not None
    return found


def contents(found: recordings.Recording) -> list[bytes]:
    return [(found.folder / one.name).read_bytes()[: one.size_bytes] for one in found.whole]


def test_chunks_hold_whole_segments_and_the_index_tells_when_they_were(files):
    add_seconds(files, 0, 5)
    files.end()
    found = read(files)
    assert files.folder.relative_to(files.folder.parents[1]) == Path("42/20261126T080000Z-0a1b2c")
    assert (found.stream, found.event_id, found.is_ended) == ("salle-1", 42, True)
    assert contents(found) == [b"a0b0a1b1", b"a2b2a3b3", b"a4b4"]
    assert [one.at_ms - found.chunks[0].at_ms for one in found.chunks] == [0, 2000, 4000]
    assert [one.duration_ms for one in found.chunks] == [2000, 2000, 1000]
    assert {(found.folder / one.init).read_bytes() for one in found.chunks} == {b"init"}
    assert len({one.name for one in found.chunks}) == 3


def test_another_init_or_a_gap_begins_a_chunk(files):
    add_seconds(files, 0, 1)
    add_seconds(files, 1, 2, init=b"other")
    add_seconds(files, 2, 3, init=b"other", is_gap=True)
    found = read(files)
    assert contents(found) == [b"a0b0", b"a1b1", b"a2b2"]
    assert [one.is_gap for one in found.chunks] == [False, False, True]
    assert found.chunks[1].init == found.chunks[2].init != found.chunks[0].init


def test_a_writer_that_died_at_any_byte_leaves_what_the_index_tells(files):
    add_seconds(files, 0, 3)
    files.close()
    whole, index = read(files), files.folder / recordings.INDEX
    text = index.read_bytes()
    for length in range(len(text)):
        index.write_bytes(text[:length])
        found = recordings.read(files.folder)
        got = contents(found) if found is not None else []
        # Never a byte that was not told of, never a part less than was told.
        assert b"".join(contents(whole)).startswith(b"".join(got))
        assert sum(one.ticks for one in found.whole) if found and got else not got
        assert len(b"".join(got)) == 2 * text[:length].count(b'"bytes":2}\n')
    assert not whole.is_ended


def test_a_full_disk_pauses_the_recording_and_leaves_a_gap(files, monkeypatch, caplog):
    add_seconds(files, 0, 2)
    monkeypatch.setattr(files, "_free_bytes", 2**60)
    add_seconds(files, 2, 4)
    assert caplog.text.count("the recording pauses") == 1
    assert contents(read(files)) == [b"a0b0a1b1"]
    monkeypatch.setattr(files, "_free_bytes", 0)
    clock = itertools.count(files_module.monotonic() + files_module.PAUSE.total_seconds())
    monkeypatch.setattr(files_module, "monotonic", lambda: next(clock))
    # The rest of a segment whose beginning was lost is lost.
    files.add(None, SECOND // 2, b"xx")
    add_seconds(files, 4, 5)
    files.end()
    found = read(files)
    assert contents(found) == [b"a0b0a1b1", b"a4b4"]
    assert [one.is_gap for one in found.chunks] == [False, True]


def test_half_a_line_of_a_full_disk_spoils_nothing_after_it(files):
    add_seconds(files, 0, 2)
    with (files.folder / recordings.INDEX).open("ab") as index:
        index.write(b'{"ticks":45000,"by')
    files._fail(OSError("no space"))
    files._failed_at = float("-inf")
    add_seconds(files, 2, 4)
    assert contents(read(files)) == [b"a0b0a1b1", b"a2b2a3b3"]


@pytest.mark.parametrize("text", [b"", b"\n", b"[]\n", b'{"event": "x"}\n', b"\xff\xfe\n", b'{"event": 4'])
def test_an_index_that_is_none_is_no_recording(tmp_path, text):
    (tmp_path / recordings.INDEX).write_bytes(text)
    assert recordings.read(tmp_path) is None
    assert recordings.read(tmp_path / "nowhere") is None


def playlist() -> MediaPlaylist:
    return MediaPlaylist("0a1b2c", first_number=100, window=timedelta(seconds=10))


def play(one: MediaPlaylist, second: int, *parts: bytes, is_gap: bool = False) -> None:
    for data in parts:
        one.add_part(
            ticks=SECOND // len(parts),
            target_ms=500,
            sound_target_ms=500,
            independent=True,
            data=data,
            sound=b"",
            sound_ticks=0,
            init=one.add_init(b"init"),
            started_at=BEGAN + timedelta(seconds=second),
            discontinuity=is_gap,
        )
    one.finish_segment()


def test_what_comes_into_a_playlist_is_recorded(tmp_path):
    recorder, one = Recorder(tmp_path, 0), playlist()
    take = recorder.record(one, stream="salle-1", event_id=42, began_at=BEGAN)
    for second in range(3):
        play(one, second, b"one", b"two")
    take.end()
    take.end()
    recorder.close()
    (folder,) = recordings.of_event(tmp_path, 42)
    found = recordings.read(folder)
    assert contents(found) == [b"onetwoonetwo", b"onetwo"]
    assert found.is_ended
    assert recordings.events(tmp_path) == [42]
    assert recordings.began_at(folder) == BEGAN


def test_a_disk_that_stands_still_costs_whole_segments_and_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "MAX_BACKLOG_BYTES", 20)
    recorder, one = Recorder(tmp_path, 0), playlist()
    waiting = []
    monkeypatch.setattr(recorder._thread, "submit", waiting.append)
    take = recorder.record(one, stream="salle-1", event_id=42, began_at=BEGAN)
    play(one, 0, b"a" * 8, b"b" * 8)
    play(one, 1, b"c" * 8, b"d" * 4)
    for call in waiting:
        call()
    waiting.clear()
    play(one, 2, b"e" * 8)
    take.end()
    for call in waiting:
        call()
    found = recordings.read(recordings.of_event(tmp_path, 42)[0])
    assert contents(found) == [b"a" * 8 + b"b" * 8, b"e" * 8]
    assert [one.is_gap for one in found.chunks] == [False, True]
