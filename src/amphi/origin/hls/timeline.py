"""From a publisher's 32-bit milliseconds to the playlist's own time, which only grows."""

from datetime import timedelta

WRAP = 1 << 32
# A step beyond these is a clock that was set anew, not a track that runs ahead of the other.
BACKWARD_JUMP_MS = 3_000
FORWARD_JUMP_MS = 10_000


def signed_step(earlier: int, later: int) -> int:
    """From one 32-bit timestamp to another the short way round, so that a wrap is a small step."""
    return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


class Timeline:
    """Unwraps timestamps and closes the gap when a publisher's clock jumps.

    Args:
        start_ms: where the first timestamp lands.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._offset_ms: int | None = None
        self._last_timestamp = 0
        self._end_ms = start_ms
        self.jumps = 0

    def place(self, timestamp: int) -> int:
        """Where a timestamp lies, in milliseconds of the playlist's time.

        Args:
            timestamp: RTMP's, milliseconds modulo 2**32.
        """
        if self._offset_ms is None:
            self._offset_ms = self._end_ms - timestamp
            self._last_timestamp = timestamp
        step = signed_step(self._last_timestamp, timestamp)
        unwrapped = self._last_timestamp + step
        if not -BACKWARD_JUMP_MS <= step <= FORWARD_JUMP_MS:
            self.jumps += 1
            self._offset_ms = self._end_ms - unwrapped
        self._last_timestamp = unwrapped
        placed = unwrapped + self._offset_ms
        self._end_ms = max(self._end_ms, placed)
        return placed


def milliseconds(duration: timedelta) -> int:
    """A duration as whole milliseconds."""
    return duration // timedelta(milliseconds=1)
