"""Cleans and limits chat messages from anonymous callers."""

import time
import unicodedata
from collections.abc import Callable

_JOINERS = {"\u200c", "\u200d"}
"""Needed inside words of some scripts, and inside emoji."""


def one_line(text: str) -> str:
    """The text on one line. Control, invisible and direction-changing characters become spaces, and runs of spaces become one."""
    shown = (
        character if unicodedata.category(character)[0] != "C" or character in _JOINERS else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(shown).split())


class Allowance:
    """Limits how often something may be done, by a token bucket (RFC 2697, section 1).

    Args:
        per_s: how many times per second in the long run.
        burst: how many times at once.
        clock: monotonic seconds.
    """

    def __init__(self, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Take one token; False when there is none, so it must not be done now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
