"""From a publisher's 32-bit milliseconds to the playlist's own time, which only grows."""

from dataclasses import dataclass
from datetime import timedelta

WRAP = 1 << 32
# A step beyond these is a clock that was set anew, not a track that runs ahead of the other.
BACKWARD_JUMP_MS = 3_000
FORWARD_JUMP_MS = 10_000
# What arrives together belongs together: two tracks further apart than this count from different zeros.
SAME_CLOCK_MS = 3_000


def signed_step(earlier: int, later: int) -> int:
    """From one 32-bit timestamp to another the short way round, so that a wrap is a small step."""
    return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


@dataclass(slots=True)
class _Clock:
    """One track's clock.

    Attributes:
        last: its last timestamp, unwrapped.
        offset_ms: from its timestamps to the playlist's time.
    """

    last: int
    offset_ms: int


class Timeline:
    """Unwraps the timestamps of each track, and closes the gap when a publisher's clock jumps.

    Args:
        start_ms: where the first timestamp lands.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._clocks: dict[str, _Clock] = {}
        self._end_ms = start_ms

    def place(self, timestamp: int, track: str = "video") -> int:
        """Where a timestamp lies, in milliseconds of the playlist's time.

        Args:
            timestamp: RTMP's, milliseconds modulo 2**32.
            track: whose it is; tracks share one clock until they are seen not to.
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
        """A clock for a track that begins, or that was set anew: another track's, if that puts it near what arrives now."""
        for name, other in self._clocks.items():
            unwrapped = other.last + signed_step(other.last, timestamp)
            if name != track and abs(unwrapped + other.offset_ms - self._end_ms) <= SAME_CLOCK_MS:
                return _Clock(unwrapped, other.offset_ms)
        return _Clock(timestamp, self._end_ms - timestamp)


def milliseconds(duration: timedelta) -> int:
    """A duration as whole milliseconds."""
    return duration // timedelta(milliseconds=1)
