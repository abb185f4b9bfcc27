"""Converts a publisher's 32-bit timestamps to the playlist's time, which never goes back."""

from dataclasses import dataclass
from datetime import timedelta

WRAP = 1 << 32
# A larger step means that the publisher's clock was set, not that one track is ahead of the other.
BACKWARD_JUMP_MS = 3_000
FORWARD_JUMP_MS = 10_000
# Two tracks that arrive together but whose timestamps differ by more than this do not share a clock.
SAME_CLOCK_MS = 3_000


def signed_step(earlier: int, later: int) -> int:
    """The signed difference of two 32-bit timestamps, the short way round, so that an overflow is a small step."""
    return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


@dataclass(slots=True)
class _Clock:
    """One track's clock.

    Attributes:
        last: its last timestamp, without overflow.
        offset_ms: what to add to its timestamps to get the playlist's time.
    """

    last: int
    offset_ms: int


class Timeline:
    """Undoes the overflow of timestamps, and closes the gap when a publisher's clock jumps.

    Args:
        start_ms: the playlist's time of the first timestamp.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._clocks: dict[str, _Clock] = {}
        self._end_ms = start_ms

    def place(self, timestamp: int, track: str = "video") -> int:
        """The playlist's time of a timestamp, in ms.

        Args:
            timestamp: RTMP's timestamp, in ms modulo 2**32.
            track: the track; tracks are assumed to share one clock until they prove not to.
        """
        clock = self._clocks.get(track)
        if clock is None:
            clock = self._clocks[track] = self._join(track, timestamp)
        else:
            step = signed_step(clock.last, timestamp)
            clock.last += step
            if not -BACKWARD_JUMP_MS <= step <= FORWARD_JUMP_MS:
                self._clocks[track] = clock = self._join(track, clock.last)
        placed = clock.last + clock.offset_ms
        self._end_ms = max(self._end_ms, placed)
        return placed

    def _join(self, track: str, timestamp: int) -> _Clock:
        """The clock for a new track, or after a jump: another track's clock if it gives a time near the present, else a new one."""
        for name, other in self._clocks.items():
            unwrapped = other.last + signed_step(other.last, timestamp)
            if name != track and abs(unwrapped + other.offset_ms - self._end_ms) <= SAME_CLOCK_MS:
                return _Clock(unwrapped, other.offset_ms)
        return _Clock(timestamp, self._end_ms - timestamp)


def milliseconds(duration: timedelta) -> int:
    """A duration as whole milliseconds."""
    return duration // timedelta(milliseconds=1)
