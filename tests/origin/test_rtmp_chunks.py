import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.origin.exceptions import ChunkError
from amphi.origin.rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter, Message

MESSAGES = st.lists(
    st.tuples(
        st.builds(
            Message,
            type_id=st.sampled_from([8, 9, 18, 20]),
            stream_id=st.integers(0, 2**32 - 1),
            timestamp=st.integers(0, 2**32 - 1),
            payload=st.binary(max_size=600),
        ),
        st.integers(3, 63),
    ),
    max_size=6,
)


def _read(raw: bytes, reader: ChunkReader | None = None) -> list[Message]:
    buffer = bytearray(raw)
    messages = list((reader or ChunkReader()).read(buffer))
    assert not buffer
    return messages


def test_a_message_as_literal_bytes():
    raw = b"\x04\x00\x00\x28\x00\x00\x03\x09\x01\x00\x00\x00abc"
    message = Message(9, 1, 40, b"abc")
    assert _read(raw) == [message]
    assert ChunkWriter().write(message, chunk_stream_id=4) == raw


def test_each_form_of_header():
    raw = (
        b"\x04\x00\x00\x28\x00\x00\x01\x08\x01\x00\x00\x00a"  # at 40
        b"\x44\x00\x00\x15\x00\x00\x02\x08bc"  # 21 later, another length
        b"\x84\x00\x00\x16d!"  # 22 later
        b"\xc4e!"  # as much later again
    )
    assert [(found.timestamp, found.payload) for found in _read(raw)] == [
        (40, b"a"),
        (61, b"bc"),
        (83, b"d!"),
        (105, b"e!"),
    ]


@pytest.mark.parametrize(("basic", "chunk_stream"), [(b"\x00\x00", 64), (b"\x01\x00\x01", 320)])
def test_long_chunk_stream_ids(basic, chunk_stream):
    raw = basic + b"\x00\x00\x00\x00\x00\x82\x08\x01\x00\x00\x00" + bytes(128)
    continued = bytes([0xC0 | basic[0]]) + basic[1:] + b"\1\1"
    assert _read(raw + continued)[0].payload == bytes(128) + b"\1\1"
    assert chunk_stream


@pytest.mark.parametrize("repeated", [True, False])
def test_extended_timestamps_with_and_without_their_repetition(repeated):
    extended = b"\x01\x00\x00\x00"
    raw = b"\x04\xff\xff\xff\x00\x00\x82\x09\x01\x00\x00\x00" + extended + b"v" * 128
    raw += b"\xc4" + (extended if repeated else b"") + b"vv"
    assert _read(raw) == [Message(9, 1, 0x01000000, b"v" * 130)]


def test_a_timestamp_wraps():
    raw = b"\x04\xff\xff\xff\x00\x00\x01\x09\x01\x00\x00\x00\xff\xff\xff\xf0a" + b"\x84\x00\x00\x20b"
    assert [found.timestamp for found in _read(raw)] == [0xFFFFFFF0, 0x10]


def test_messages_interleave_on_two_chunk_streams():
    video = ChunkWriter().write(Message(9, 1, 0, b"v" * 130), chunk_stream_id=4)
    audio = ChunkWriter().write(Message(8, 1, 0, b"a" * 130), chunk_stream_id=5)
    raw = video[:140] + audio[:140] + video[140:] + audio[140:]
    assert [found.payload for found in _read(raw)] == [b"v" * 130, b"a" * 130]


def test_an_aborted_message_is_forgotten():
    reader = ChunkReader()
    buffer = bytearray(ChunkWriter().write(Message(9, 1, 0, b"v" * 130), chunk_stream_id=4)[:140])
    assert list(reader.read(buffer)) == []
    reader.abort(4)
    assert _read(b"\x04\x00\x00\x00\x00\x00\x01\x09\x01\x00\x00\x00a", reader) == [Message(9, 1, 0, b"a")]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xc4", "without a header"),
        (b"\x84\x00\x00\x00", "without a header"),
        (b"\x04\x00\x00\x00\xff\xff\xff\x09\x01\x00\x00\x00", "beyond the limit"),
    ],
)
def test_what_can_not_be_is_refused(raw, reason):
    with pytest.raises(ChunkError, match=reason):
        list(ChunkReader().read(bytearray(raw)))


def test_a_peer_can_not_make_us_hold_more_than_the_limits():
    reader = ChunkReader(ChunkLimits(message_bytes=1000, chunk_streams=4, pending_bytes=300))
    start = ChunkWriter().write(Message(9, 1, 0, bytes(1000)), chunk_stream_id=4)[: 12 + 128]
    with pytest.raises(ChunkError, match="incomplete"):
        list(reader.read(bytearray(b"".join(bytes([4 + index]) + start[1:] for index in range(4)))))
    reader = ChunkReader(ChunkLimits(chunk_streams=4))
    with pytest.raises(ChunkError, match="chunk streams"):
        list(reader.read(bytearray(b"".join(bytes([4 + index]) + start[1:] for index in range(5)))))


@given(MESSAGES, st.data())
def test_it_does_not_matter_where_bytes_are_cut(messages, data):
    raw = b"".join(ChunkWriter().write(message, chunk_stream_id=stream) for message, stream in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    reader, buffer, found = ChunkReader(), bytearray(), []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        buffer += raw[start:end]
        found += reader.read(buffer)
    assert found == [message for message, _ in messages]
    assert not buffer


@given(st.binary(max_size=400))
def test_garbage_raises_nothing_else(raw):
    with contextlib.suppress(ChunkError):
        list(ChunkReader().read(bytearray(raw)))
