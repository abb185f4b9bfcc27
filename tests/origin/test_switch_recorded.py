"""The wall clock in a recording after its stream has gone on with another publisher: what was said when, as captions and chapters need it."""

import struct
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from amphi.audience.captions import shown_again
from amphi.audience.replays import timeline
from amphi.origin.recording.recorder import Recorder
from amphi.system import recordings
from tests.origin.running import EVEN_AUDIO_HEADER, FRAME_MS, OTHER_VIDEO_HEADER, VIDEO_HEADER, audio, video
from tests.origin.source import START, Source
from tests.origin.test_standby import Second, _splice

EVENT = 42
SECOND = 1000
"""Frames of the second publisher have numbers from here on."""


def _follow(source: Source, second: Second, count: int) -> None:
    for _ in range(count):
        timestamp, key = 500_000 + second.index * FRAME_MS, second.index % 25 == 0
        source.segmenter.receive_video(timestamp, video(second.index, key=key, size=40), second.now)
        source.segmenter.receive_audio(timestamp, audio(second.index), second.now)
        second.index += 1
        second.now += timedelta(milliseconds=FRAME_MS)


@pytest.mark.parametrize("before", [75, 88, 99])
@pytest.mark.parametrize("behind", [0, 12, 18])
@pytest.mark.parametrize("header", [VIDEO_HEADER, OTHER_VIDEO_HEADER], ids=["alike", "another"])
def test_what_was_said_after_the_switch_is_where_it_is_heard(tmp_path, before, behind, header):
    source = Source()
    second = Second(header=header, sound=EVEN_AUDIO_HEADER, first=SECOND + behind)
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    recorder = Recorder(tmp_path, 0)
    take = recorder.record(source.playlist, stream="hall", event_id=EVENT, began_at=START)
    places: dict[int, tuple[int, float]] = {}

    def note(segment, _part, piece) -> None:
        for sample in piece.video:
            number = struct.unpack(">I", sample.data[4:8])[0]
            places[number] = (segment.number, sample.dts / 90_000)

    source.segmenter.on_part = note
    second.frames(before)
    source.frames(before)
    _splice(source, second)
    _follow(source, second, 150)
    source.segmenter.flush()
    take.end()
    recorder.close()

    (folder,) = recordings.of_event(tmp_path, EVENT)
    spans = timeline.spans(recordings.read(folder).whole)
    of_second = {number for number in places if number >= SECOND}
    # Where one follows the other within a segment, both have the first one's time.
    spliced = {places[number][0] for number in of_second} & {
        places[number][0] for number in places.keys() - of_second
    }
    repeated_at = _arrival(min(of_second), behind)
    checked = 0
    for number, (segment, media_s) in places.items():
        said_at = _arrival(number, behind)
        is_twice = said_at >= repeated_at and number not in of_second
        if segment in spliced or is_twice:
            continue
        checked += 1
        assert shown_again.place_s(spans, said_at) == pytest.approx(media_s, abs=0.25), number
    assert checked > 170
    assert len(spans) <= 2
    assert all(
        one.media_ms + one.duration_ms == pytest.approx(other.media_ms, abs=2)
        for one, other in pairwise(spans)
    )


def _arrival(number: int, behind: int) -> datetime:
    first = SECOND + behind if number >= SECOND else 0
    return START + timedelta(milliseconds=FRAME_MS * (number - first))
