"""Finds in the coded pictures where decoding can start (ITU-T H.264, 7.3 and 7.4)."""

from collections.abc import Iterator

IDR_SLICE, SUPPLEMENTAL = 5, 6
# ITU-T H.264, table 7-1: slices, parameter sets and the other units of a picture.
KNOWN = range(1, 14)
SLICES = range(1, 6)
RECOVERY_POINT = 6
# Pictures have few slices. In one with more units, only the publisher's flag counts.
MAX_UNITS = 512
# How much of a picture's supplemental information is read: real pictures have some hundred bytes, and each costs time.
MAX_SUPPLEMENTAL_BYTES = 16_384


def random_access(picture: bytes, length_bytes: int, *, flagged: bool) -> bool:
    """Whether decoding can start at a picture: it is an IDR picture, or has a recovery point.

    The publisher's flag is unreliable: some set it on every picture, some only on the first.

    Args:
        picture: its NAL units, each preceded by its length.
        length_bytes: the size of a length field.
        flagged: the publisher's flag, used for pictures that can't be parsed.
    """
    known = False
    left = MAX_SUPPLEMENTAL_BYTES
    for at, size in _units(picture, length_bytes):
        kind = picture[at] & 0x1F
        if kind == IDR_SLICE:
            return True
        if kind == SUPPLEMENTAL:
            if _has_recovery_point(picture[at + 1 : at + min(size, left)]):
                return True
            left = max(1, left - size)
        known = known or kind in KNOWN
        if kind in SLICES:
            break
    return flagged and not known


def _units(picture: bytes, length_bytes: int) -> Iterator[tuple[int, int]]:
    at = 0
    for _ in range(MAX_UNITS):
        size = int.from_bytes(picture[at : at + length_bytes])
        at += length_bytes
        if not size or at + size > len(picture):
            return
        yield at, size
        at += size


def _has_recovery_point(messages: bytes) -> bool:
    """Whether one of the supplemental messages is a recovery point (ITU-T H.264, 7.3.2.3.1 and D.2.8)."""
    at = 0
    while at + 1 < len(messages):
        kind, at = _extended(messages, at)
        size, at = _extended(messages, at)
        if kind == RECOVERY_POINT:
            return True
        at += size
    return False


def _extended(messages: bytes, at: int) -> tuple[int, int]:
    """Read a number that is the sum of its bytes, up to the first that is not 255. Returns it and where it ends."""
    number = 0
    while at < len(messages) and messages[at] == 0xFF:  # noqa: PLR2004 -- all bits set: it goes on
        number, at = number + 0xFF, at + 1
    return number + (messages[at] if at < len(messages) else 0), at + 1
