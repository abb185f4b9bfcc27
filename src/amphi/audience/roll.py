"""The roll: who listens is noted once a minute, in a thread of its own, so that no stream waits for the database.

Nothing here knows the database: see `amphi.audience.attendance`.
"""

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from amphi.audience.exceptions import LogUnavailableError

log = logging.getLogger(__name__)

EVERY_S = 60
SECONDS = (5, 45)
"""In which second of each minute a process calls: not all at the same, and never so late that it slips into the next minute."""

Present = Mapping[int, Collection[str]]
"""The viewers of each event, each once."""


class Roll:
    """Notes who listens.

    Args:
        note: takes who listens to each event, and in which minute of the Unix epoch; raises `LogUnavailableError`.
        second: the second of each minute at which that is due; any, when it is not told.
        clock: tells the time, in seconds of the Unix epoch.
    """

    def __init__(
        self,
        note: Callable[[Present, int], object],
        *,
        second: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._note = note
        self._second = random.uniform(*SECONDS) if second is None else second  # noqa: S311 -- spreads load, guards nothing
        self._clock = clock
        self._called_in = -1
        self._under_way: Future[object] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="roll")

    def is_due(self) -> bool:
        """Whether it is time; it then is not for the rest of the minute."""
        turn = int((self._clock() - self._second) // EVERY_S)
        due = turn != self._called_in and (self._under_way is None or self._under_way.done())
        if due:
            self._called_in = turn
        return due

    def call(self, present: Present) -> None:
        """Have it noted; nobody waits for it."""
        self._under_way = self._thread.submit(self._note_now, present, int(self._clock() // EVERY_S))

    def finish(self, call: Callable[[], object]) -> None:
        """Do one last thing in the thread that notes, such as giving up its connection."""
        self._thread.submit(call)
        self._thread.shutdown(wait=False)

    def _note_now(self, present: Present, minute: int) -> None:
        try:
            self._note(present, minute)
        except LogUnavailableError as error:
            log.warning("who listens is not noted: %s", error)
