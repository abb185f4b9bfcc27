"""What callers that can't be told apart may write into a meeting's chat."""

import time
import unicodedata
from collections.abc import Callable

_JOINERS = {"\u200c", "\u200d"}
"""Parts of words in some scripts, and of emoji."""


def one_line(text: str) -> str:
    """The text as one line: control, invisible and direction-changing characters become spaces, of which none repeats."""
    shown = (
        character if unicodedata.category(character)[0] != "C" or character in _JOINERS else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(shown).split())


class Allowance:
    """How often something may be done: a bucket that fills steadily (the "token bucket" of RFC 2697, section 1).

    Args:
        per_s: how often in the long run.
        burst: how often at once.
        clock: seconds that only grow.
    """

    def __init__(self, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Whether it may be done once more now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
