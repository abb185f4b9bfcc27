"""Letters to those who wait for an event: written when they are due, looked for once a second."""

import time

from amphi.audience import letters

EVERY_S = 1.0
AFTER_FAILURE_S = 60.0


class Correspondence:
    """When to look next; each worker does, and no letter is written by two."""

    def __init__(self) -> None:
        self._look_at = time.monotonic()

    def claim_due(self) -> list[None]:
        """One piece of work when letters are due, else none."""
        if time.monotonic() < self._look_at:
            return []
        self._look_at = time.monotonic() + EVERY_S
        return [None] if letters.is_due() else []

    def write(self) -> None:
        """Write what is due; after what nobody expected, not again for a while."""
        self._look_at = time.monotonic() + AFTER_FAILURE_S
        letters.write_due()
        self._look_at = time.monotonic() + EVERY_S
