"""One look at one livestream, as the supervisor's parts share it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
