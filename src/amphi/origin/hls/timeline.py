"""Converts a publisher's 32-bit timestamps to the playlist's time, which never goes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

WRAP = 1 << 32
# A larger step of one track means that the publisher's clock was set: its frames come in the order of their times.
BACKWARD_JUMP_MS = 1_000
FORWARD_JUMP_MS = 10_000
# So does a step ahead that is larger by this than the time that has passed: a real pause takes its time.
UNPASSED_JUMP_MS = 2_000
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
        at: when its last frame arrived.
    """

    last: int
    offset_ms: int
    at: datetime


class Timeline:
    """Undoes the overflow of timestamps, and closes the gap when a publisher's clock jumps.

    Args:
        start_ms: the playlist's time of the first timestamp.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._clocks: dict[str, _Clock] = {}
        self._end_ms = start_ms

    def place(self, timestamp: int, track: str, now: datetime) -> int:
        """The playlist's time of a timestamp, in ms.

        Args:
            timestamp: RTMP's timestamp, in ms modulo 2**32.
            track: the track; tracks are assumed to share one clock until they prove not to.
            now: when the frame arrived.
        """
        clock = self._clocks.get(track)
        if clock is None:
            clock = self._clocks[track] = self._join(track, timestamp, now, within_ms=SAME_CLOCK_MS)
        else:
            step = signed_step(clock.last, timestamp)
            clock.last += step
            most_ms = min(FORWARD_JUMP_MS, milliseconds(now - clock.at) + UNPASSED_JUMP_MS)
            if not -BACKWARD_JUMP_MS <= step <= most_ms:
                clock = self._join(track, clock.last, now, within_ms=BACKWARD_JUMP_MS)
                self._clocks[track] = clock
            clock.at = now
        placed = clock.last + clock.offset_ms
        self._end_ms = max(self._end_ms, placed)
        return placed

    def shift(self, by_ms: int) -> None:
        """Move all that comes, by so much later."""
        for clock in self._clocks.values():
            clock.offset_ms += by_ms
        self._end_ms += by_ms

    def _join(self, track: str, timestamp: int, now: datetime, *, within_ms: int) -> _Clock:
        """The clock for a new track, or after a jump: another track's clock if it gives a time near the present, else a new one."""
        for name, other in self._clocks.items():
            unwrapped = other.last + signed_step(other.last, timestamp)
            if name != track and abs(unwrapped + other.offset_ms - self._end_ms) <= within_ms:
                return _Clock(unwrapped, other.offset_ms, now)
        return _Clock(timestamp, self._end_ms - timestamp, now)


def milliseconds(duration: timedelta) -> int:
    """A duration as whole milliseconds."""
    return duration // timedelta(milliseconds=1)
