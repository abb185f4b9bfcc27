"""The time limit of one attempt to join a meeting."""

import time
from collections.abc import Callable

from amphi.gateway.meeting_page import Observation

APPROVAL_PATIENCE_S = 600
"""How long to wait for a moderator's approval, in seconds."""


class EntryDeadline:
    """Measures an attempt; waiting for a moderator has a limit of its own.

    Args:
        join_timeout_s: the limit for everything else.
        clock: monotonic seconds.
    """

    def __init__(self, join_timeout_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._join_timeout_s = join_timeout_s
        self._clock = clock
        self._looked_at = clock()
        self._spent_s = 0.0
        self._waited_s = 0.0

    def overdue(self, seen: Observation) -> str:
        """Why the attempt took too long, with what the page shows now; empty while it is in time."""
        now = self._clock()
        passed_s, self._looked_at = now - self._looked_at, now
        if seen.reason == "waiting_for_approval":
            self._waited_s += passed_s
            if self._waited_s > APPROVAL_PATIENCE_S:
                return f"no moderator let the bot in within {APPROVAL_PATIENCE_S // 60} min"
            return ""
        self._spent_s += passed_s
        if self._spent_s <= self._join_timeout_s:
            return ""
        return f"not in the meeting after {self._join_timeout_s} s: {seen.detail or 'no page was loaded'}"
