import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.origin.exceptions import AMFError
from amphi.origin.rtmp import amf0

VECTORS = [
    (b"\x00\x3f\xf0\x00\x00\x00\x00\x00\x00", 1.0),
    (b"\x01\x01", True),
    (b"\x01\x00", False),
    (b"\x02\x00\x04live", "live"),
    (b"\x05", None),
    (b"\x03\x00\x03app\x02\x00\x04live\x00\x00\x09", {"app": "live"}),
    (b"\x0a\x00\x00\x00\x02\x05\x01\x01", [None, True]),
    (b"\x0c\x00\x01\x00\x00" + b"x" * 65536, "x" * 65536),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(("raw", "value"), VECTORS)
def test_vectors_both_ways(raw, value):
    assert amf0.decode(raw) == [value]
    assert amf0.encode(value) == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"\x06", None),
        (b"\x08\x00\x00\x00\x63\x00\x01a\x05\x00\x00\x09", {"a": None}),
        (b"\x0b\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00", 2.0),
        (b"\x10\x00\x01C\x00\x01a\x05\x00\x00\x09", {"a": None}),
        (b"\x02\x00\x01\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_only_peers_send(raw, value):
    assert amf0.decode(raw) == [value]


@given(st.lists(VALUES, max_size=5))
def test_what_is_encoded_is_decoded(values):
    assert amf0.decode(amf0.encode(*values)) == values


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(raw):
    with contextlib.suppress(AMFError):
        amf0.decode(raw)


@pytest.mark.parametrize(
    "raw", [b"\x03\x00\x01a" * 17, b"\x0a\xff\xff\xff\xff" + b"\x05" * 5000, b"\x00\x00", b"\x42"]
)
def test_what_is_cut_off_unknown_or_too_much_is_refused(raw):
    with pytest.raises(AMFError):
        amf0.decode(raw)
