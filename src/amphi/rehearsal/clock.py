"""Reads the machine-readable clock that `static/clock.js` draws into the robot's camera picture."""

from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = 10
ROWS = 4
UNIT_MS = 10
PERIOD = 10_000_000
"""27.7 hours in units of 10 ms: fits into 24 bits and is a whole number of seconds."""
_FRAME_OF_WIDTH = 30 / 800
_FRAME_OF_HEIGHT = 30 / 360
_MIN_CONTRAST = 60
_MIN_MAGENTA = 3
_MIN_WIDTH, _MIN_HEIGHT = 40, 18


@dataclass(frozen=True)
class Reading:
    """The content of a clock.

    Attributes:
        rehearsal: the number of its rehearsal, 0 to 255.
        time: in units of 10 ms, modulo `PERIOD`.
    """

    rehearsal: int
    time: int


@dataclass(frozen=True)
class Box:
    """The cells of a clock in a picture, as fractions of its width and height."""

    x: float
    y: float
    width: float
    height: float


def _crc8(data: bytes) -> int:
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc


def encode(rehearsal: int, now_ms: int) -> list[int]:
    """The cells, row by row, of a clock that shows `now_ms`, in ms since 1970."""
    content = (now_ms // UNIT_MS % PERIOD).to_bytes(3, "big") + bytes([rehearsal])
    return [byte >> bit & 1 for byte in content + bytes([_crc8(content)]) for bit in range(7, -1, -1)]


def decode(bits: Sequence[int]) -> Reading | None:
    """Decode the cells; None when the checksum does not match."""
    content = bytes(
        sum(bit << 7 - i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)
    )
    if _crc8(content[:4]) != content[4]:
        return None
    return Reading(rehearsal=content[3], time=int.from_bytes(content[:3], "big"))


def age_ms(time: int, now_ms: float) -> int:
    """How long before `now_ms` the clock showed `time`; negative when it is ahead."""
    age = (int(now_ms // UNIT_MS) - time) % PERIOD
    return (age - PERIOD if age > PERIOD // 2 else age) * UNIT_MS


def read_levels(levels: Sequence[float]) -> Reading | None:
    """Decode cells from their brightness, 0 to 255; None when the checksum does not match."""
    dark, bright = min(levels), max(levels)
    if bright - dark < _MIN_CONTRAST:
        return None
    return decode([int(level > (dark + bright) / 2) for level in levels])


def locate(rgb: bytes, width: int, height: int) -> Box | None:
    """Find the magenta frame in a picture of 3 bytes a pixel; None when there is none."""
    columns = [0] * width
    rows = [0] * height
    reds, greens, blues = rgb[0::3], rgb[1::3], rgb[2::3]
    for at, (red, green, blue) in enumerate(zip(reds, greens, blues, strict=True)):
        if red > 140 and blue > 140 and green < 110:  # noqa: PLR2004 -- magenta, after any video codec
            columns[at % width] += 1
            rows[at // width] += 1
    xs = [x for x, count in enumerate(columns) if count >= _MIN_MAGENTA]
    ys = [y for y, count in enumerate(rows) if count >= _MIN_MAGENTA]
    if not xs or not ys:
        return None
    box_width, box_height = xs[-1] + 1 - xs[0], ys[-1] + 1 - ys[0]
    if box_width < _MIN_WIDTH or box_height < _MIN_HEIGHT:
        return None
    inset_x, inset_y = box_width * _FRAME_OF_WIDTH, box_height * _FRAME_OF_HEIGHT
    return Box(
        x=(xs[0] + inset_x) / width,
        y=(ys[0] + inset_y) / height,
        width=(box_width - 2 * inset_x) / width,
        height=(box_height - 2 * inset_y) / height,
    )
