"""One look at one livestream, as the supervisor's parts share it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from amphi.webinars import transitions
from amphi.webinars.models import Livestream

CONFIRM_AFTER = timedelta(seconds=0.5)
AFTER_ERROR = timedelta(seconds=2)


@dataclass
class Check:
    """One look at one livestream, and what it decides to write back.

    Attributes:
        is_in_meeting: the gateway is one that sees the meeting, and says that it is in it.
    """

    livestream: Livestream
    now: datetime
    columns: dict[str, object]
    next_in: timedelta
    is_in_meeting: bool = False

    def note(self, **columns: object) -> None:
        """Write `columns` when the check is over; later code of the same check sees them at once."""
        self.columns |= columns
        for name, value in columns.items():
            setattr(self.livestream, name, value)

    def replace_job(self, error: str, detail: str) -> None:
        """Have a new job take the place of one that is of no use; what was noted was about that one."""
        self.columns.clear()
        transitions.replace_job(self.livestream, last_error=error[:40], last_error_detail=detail[:500])
        self.next_in = AFTER_ERROR
