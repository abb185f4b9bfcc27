"""Made up publishers at the origin's session, without a socket. `make test-abuse` has two million messages of theirs."""

import pytest

from amphi.origin.rtmp import amf0
from amphi.origin.rtmp.chunks import Message
from tests.abuse.rtmp_fuzz import AUDIO, COMMAND, DATA, VIDEO, Fuzz, Target
from tests.origin.running import AUDIO_HEADER, FRAME_MS, VIDEO_HEADER, audio, video

SESSIONS = 40


def _command(*values: object, stream_id: int = 0) -> Message:
    return Message(COMMAND, stream_id, 0, amf0.encode(*values))


PROLOGUE = [
    _command("connect", 1, {"app": "live", "tcUrl": "rtmp://h/live"}),
    _command("releaseStream", 2, None, "lecture"),
    _command("createStream", 4, None),
    _command("publish", 5, None, "lecture?key=k", "live", stream_id=1),
    Message(DATA, 1, 0, amf0.encode("@setDataFrame", "onMetaData", {"videocodecid": 7, "audiocodecid": 10})),
    Message(VIDEO, 1, 0, VIDEO_HEADER),
    Message(AUDIO, 1, 0, AUDIO_HEADER),
]
FRAMES = [
    message
    for index in range(300)
    for message in (
        Message(VIDEO, 1, index * FRAME_MS, video(index, key=index % 25 == 0)),
        Message(AUDIO, 1, index * FRAME_MS, audio(index)),
    )
]


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_session_is_served_or_refused_and_never_breaks(seed):
    target = Target()
    target.run(Fuzz(PROLOGUE + FRAMES).session(seed))


def test_sessions_come_far():
    """A fuzzer whose sessions end at once finds nothing."""
    targets = [Target() for _ in range(SESSIONS)]
    for seed, target in enumerate(targets):
        target.run(Fuzz(PROLOGUE + FRAMES).session(seed))
    assert sum(target.connection.arrived for target in targets) > 40 * SESSIONS
    assert (
        sum(target.stream is not None and target.stream.playlist.ready for target in targets) > SESSIONS / 4
    )
    assert {"", "ChunkError", "ProtocolError"} <= {target.ended_by for target in targets}


@pytest.mark.parametrize("kind", [VIDEO, AUDIO])
@pytest.mark.parametrize("body", [b"\x27\1\0\0\0x", b"\x17\1\0\0\0x", b"\xaf\1x", b""])
def test_thousands_of_frames_in_a_packet_keep_little(kind, body):
    target = Target()
    target.run(Fuzz(PROLOGUE + FRAMES[:60]).plain([Message(kind, 1, 2_400, body)] * 3_000))
    if target.stream is not None:
        assert len(target.stream.playlist._kept) < 200
