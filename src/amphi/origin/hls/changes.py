"""Limits how often a publisher may change its tracks."""

from collections import deque
from datetime import datetime, timedelta

from amphi.origin.exceptions import MalformedMediaError

# Each change costs us work, and may need a new initialization segment.
MAX_CHANGES = 40
CHANGES_WITHIN = timedelta(minutes=1)


class Changes:
    """Counts changes of a publisher's configurations and tracks."""

    def __init__(self) -> None:
        self._at: deque[datetime] = deque()

    def count(self, now: datetime, *, changed: bool) -> None:
        """Count one, if it was one.

        Raises:
            MalformedMediaError: there were too many.
        """
        if not changed:
            return
        while self._at and now - self._at[0] > CHANGES_WITHIN:
            self._at.popleft()
        self._at.append(now)
        if len(self._at) > MAX_CHANGES:
            raise MalformedMediaError("its tracks change too often")
