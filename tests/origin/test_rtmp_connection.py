import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.origin.exceptions import HandshakeError, RTMPError
from amphi.origin.rtmp import amf0
from amphi.origin.rtmp.chunks import ChunkReader, ChunkWriter, Message
from amphi.origin.rtmp.connection import Connection, State
from amphi.origin.rtmp.events import (
    AudioReceived,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    VideoReceived,
)

HANDSHAKE = b"\3" + bytes(1536) + bytes(1536)


def _message(type_id: int, payload: bytes, timestamp: int = 0, stream_id: int = 1) -> bytes:
    return ChunkWriter().write(Message(type_id, stream_id, timestamp, payload), chunk_stream_id=4)


def _command(*values: object) -> bytes:
    return _message(20, amf0.encode(*values))


CONNECT = _command("connect", 1, {"app": "live", "tcUrl": "rtmp://h/live?x=1", "flashVer": "FMLE/3.0"})
PUBLISH = _command("publish", 5, None, "lecture?key=k&a=1", "live")
# As ffmpeg 5.1 sends it, and OBS with other transaction numbers.
PROLOGUE = (
    CONNECT
    + _command("releaseStream", 2, None, "lecture")
    + _command("FCPublish", 3, None, "lecture")
    + _command("createStream", 4, None)
    + _command("_checkbw", 5, None)
)


def _sent(connection: Connection, *, handshake: bool = False) -> list[Message]:
    raw = bytearray(connection.data_to_send())
    if handshake:
        del raw[:3073]
    reader = ChunkReader()
    found = []
    for message in reader.read(raw):
        if message.type_id == 1:
            reader.chunk_bytes = int.from_bytes(message.payload)
        found.append(message)
    return found


def _publishing() -> Connection:
    connection = Connection()
    connection.receive_data(HANDSHAKE + PROLOGUE + PUBLISH)
    connection.accept_publish()
    connection.data_to_send()
    return connection


def test_the_handshake_echoes_and_does_not_mind_a_wrong_c2():
    connection = Connection()
    c1 = bytes(8) + b"r" * 1528
    assert connection.receive_data(b"\3" + c1) == []
    sent = connection.data_to_send()
    assert (sent[0], sent[1:9], sent[1537:], len(sent)) == (3, bytes(8), c1, 3073)
    connection.receive_data(b"?" * 1536)
    assert connection.state is State.CONNECTING


@pytest.mark.parametrize(
    ("first", "reason"), [(b"\6", "RTMPE"), (b"GET / HTTP/1.1", "not RTMP"), (b"\x16\3\1", "not")]
)
def test_what_is_not_rtmp_is_told_so_at_its_first_byte(first, reason):
    with pytest.raises(HandshakeError, match=reason):
        Connection().receive_data(first)


def test_a_publication_from_its_handshake_to_its_end():
    connection = Connection()
    events = connection.receive_data(HANDSHAKE + PROLOGUE + PUBLISH)
    assert events == [
        PublishRequested("live", "lecture", {"key": "k", "a": "1"}, "rtmp://h/live", "FMLE/3.0"),
    ]
    answers = [
        amf0.decode(found.payload) for found in _sent(connection, handshake=True) if found.type_id == 20
    ]
    assert [answer[:2] for answer in answers] == [
        ["_result", 1.0],
        ["_result", 2.0],
        ["_result", 3.0],
        ["onFCPublish", 0.0],
        ["_result", 4.0],
    ]
    assert answers[-1][3] == 1.0
    assert connection.accept_publish() == []
    begin, status = _sent(connection)
    assert (begin.type_id, begin.payload) == (4, b"\0\0\0\0\0\1")
    assert amf0.decode(status.payload)[3]["code"] == "NetStream.Publish.Start"
    media = (
        _message(18, amf0.encode("@setDataFrame", "onMetaData", {"width": 640}))
        + _message(9, b"\x17\0\0\0\0", 40)
        + _message(8, b"\xaf\0", 41)
    )
    assert connection.receive_data(media) == [
        MetadataReceived({"width": 640.0}),
        VideoReceived(40, b"\x17\0\0\0\0"),
        AudioReceived(41, b"\xaf\0"),
    ]
    end = (
        _command("FCUnpublish", 6, None, "lecture")
        + _message(8, b"\xaf\1")
        + _command("deleteStream", 7, None, 1)
    )
    assert connection.receive_data(end) == [PublishEnded()]


def test_nothing_is_read_while_the_request_to_publish_is_open():
    connection = Connection()
    events = connection.receive_data(HANDSHAKE + CONNECT + PUBLISH + _message(8, b"\xaf\0", 7))
    assert len(events) == 1
    assert connection.receive_data(_message(8, b"\xaf\1", 8)) == []
    assert connection.accept_publish() == [AudioReceived(7, b"\xaf\0"), AudioReceived(8, b"\xaf\1")]


def test_a_refused_publisher_is_told_and_not_heard_again():
    connection = Connection()
    connection.receive_data(HANDSHAKE + CONNECT + PUBLISH)
    connection.data_to_send()
    connection.refuse_publish("refused")
    (status,) = _sent(connection)
    assert amf0.decode(status.payload)[3] == {
        "level": "error",
        "code": "NetStream.Publish.Denied",
        "description": "refused",
    }
    assert connection.receive_data(_message(8, b"\xaf\0")) == []


def test_the_key_may_stand_in_the_application():
    connect = _command("connect", 1, {"app": "live?key=a&b=2", "tcUrl": "rtmp://h/live?key=a"})
    (event,) = Connection().receive_data(HANDSHAKE + connect + PUBLISH)
    assert (event.app, event.arguments) == ("live", {"key": "k", "b": "2", "a": "1"})


def test_commands_in_amf3_envelopes_and_pings():
    connection = Connection()
    connection.receive_data(HANDSHAKE + _message(17, b"\0" + amf0.encode("connect", 1, {"app": "live"})))
    assert connection.state is State.CONNECTED
    connection.data_to_send()
    connection.receive_data(_message(4, b"\0\6\0\0\1\2"))
    (pong,) = _sent(connection)
    assert pong.payload == b"\0\7\0\0\1\2"


def test_received_bytes_are_acknowledged_by_the_window():
    connection = _publishing()
    connection.receive_data(_message(5, b"\0\0\1\0"))
    connection.data_to_send()
    connection.receive_data(_message(8, bytes(300)))
    (acknowledgement,) = _sent(connection)
    assert acknowledgement.type_id == 3
    assert int.from_bytes(acknowledgement.payload) > 3073


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_command("createStream", 1, None), "before connect"),
        (CONNECT + CONNECT, "connect is not allowed while connected"),
        (CONNECT + _message(9, b"\x17"), "video is not allowed while connected"),
        (CONNECT + _command("play", 1, None, "x"), "play is not allowed"),
        (CONNECT + _command("publish", 1, None), "without a name"),
        (CONNECT + _message(1, b"\0\0\0\0"), "chunk size"),
        (CONNECT + _message(1, b"\0"), "without its number"),
        (CONNECT + _message(22, b""), "aggregate"),
        (CONNECT + _message(18, bytes(70_000)), "beyond the limit of 65536"),
        (CONNECT + _message(20, amf0.encode(1)), "without a name"),
    ],
)
def test_what_is_not_allowed_now_is_named(raw, reason):
    with pytest.raises(RTMPError, match=reason):
        Connection().receive_data(HANDSHAKE + raw)


def test_a_publisher_may_send_more_than_a_stranger():
    picture = b"\x17\1\0\0\0" + bytes(500_000)
    assert _publishing().receive_data(_message(9, picture)) == [VideoReceived(0, picture)]


@given(st.binary(max_size=300), st.sampled_from([b"", HANDSHAKE, HANDSHAKE + CONNECT]))
def test_garbage_raises_nothing_but_the_protocols_errors(raw, prefix):
    connection = Connection()
    connection.receive_data(prefix)
    with contextlib.suppress(RTMPError):
        connection.receive_data(raw)


@given(st.sampled_from([1, 2, 3, 4, 5, 6, 8, 9, 15, 17, 18, 20, 22]), st.binary(max_size=60))
def test_garbage_in_messages_raises_nothing_but_the_protocols_errors(type_id, payload):
    connection = _publishing()
    with contextlib.suppress(RTMPError):
        connection.receive_data(_message(type_id, payload))


@given(st.lists(st.integers(0, 4000), max_size=10))
def test_it_does_not_matter_where_bytes_are_cut(cuts):
    raw = HANDSHAKE + PROLOGUE + PUBLISH
    connection, events = Connection(), []
    edges = sorted({0, *(min(cut, len(raw)) for cut in cuts), len(raw)})
    for start, end in itertools.pairwise(edges):
        events += connection.receive_data(raw[start:end])
    assert [type(event) for event in events] == [PublishRequested]


def test_metadata_that_can_not_be_read_is_passed_over():
    connection = _publishing()
    for raw in (
        b"\2\0",
        b"\x42",
        amf0.encode("onMetaData") + b"\x11\1",
        amf0.encode("onMetaData", list(range(5000))),
    ):
        assert connection.receive_data(_message(18, raw)) == []
    (event,) = connection.receive_data(_message(18, amf0.encode("onMetaData", {"width": 1.0})))
    assert event == MetadataReceived({"width": 1.0})


@pytest.mark.parametrize("key", ["ab+cd/ef==", "ab%2Bcd%2Fef%3D%3D", "ab%2bcd/ef=%3d"])
def test_a_key_comes_as_it_was_written_or_percent_encoded(key):
    publish = _command("publish", 5, None, f"lecture?key={key}", "live")
    (event,) = Connection().receive_data(HANDSHAKE + CONNECT + publish)
    assert event.arguments["key"] == "ab+cd/ef=="


def test_a_key_with_slashes_where_ffmpeg_cuts_the_address():
    for app, name in (("live/lecture?key=a+b", "c/d=="), ("live/lecture?x=1&key=a+b", "c/d==")):
        connect = _command("connect", 1, {"app": app, "tcUrl": f"rtmp://h/{app}"})
        publish = _command("publish", 5, None, name, "live")
        (event,) = Connection().receive_data(HANDSHAKE + connect + publish)
        assert (event.app, event.name, event.arguments["key"]) == ("live", "lecture", "a+b/c/d==")


def test_a_percent_sign_that_encodes_nothing_is_part_of_the_key():
    publish = _command("publish", 5, None, "lecture?key=OFDI!0IL%XjjU%&x", "live")
    (event,) = Connection().receive_data(HANDSHAKE + CONNECT + publish)
    assert event.arguments == {"key": "OFDI!0IL%XjjU%", "x": ""}
