"""Boxes, the building blocks of MP4 (ISO/IEC 14496-12, 4.2)."""

import struct


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box: its size, its four letters, its content."""
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def descriptor(tag: int, *contents: bytes) -> bytes:
    """An MPEG-4 descriptor of less than 128 bytes (ISO/IEC 14496-1, 8.3.3)."""
    body = b"".join(contents)
    return bytes([tag, len(body)]) + body
