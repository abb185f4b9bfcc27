"""What many listeners change at once is told once a second: votes, results, hands, reactions.

Each web process gathers what happened in it, and tells it an event at a time; what is told is whole (a number of votes, not one more),
or a sum of this process that pages add up. A process that dies within the second forgets what it had not told: the numbers are in the
database, and the next word has them.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from django.db import Error as DatabaseError
from django.db import connection

log = logging.getLogger(__name__)

EVERY_S = 1.0

Tell = Callable[[int, Mapping[str, int]], None]
"""Publishes, for an event, what was gathered: a number by key."""


class Pulse:
    """Gathers, and tells at most once in `every_s` what each event is to be told. Until it is started, everything is told at once."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._gathered: dict[tuple[int, Tell], Counter[str]] = {}
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tell by itself from now on, in a thread and a connection of its own."""
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def add(self, tell: Tell, event_id: int, key: str = "", number: int = 1) -> None:
        """Have `tell` called soon; from any thread."""
        self.add_all(tell, event_id, {key: number})

    def add_all(self, tell: Tell, event_id: int, numbers: Mapping[str, int]) -> None:
        """The same for several keys, which are told together."""
        if self._thread is None:
            tell(event_id, numbers)
            return
        with self._lock:
            self._gathered.setdefault((event_id, tell), Counter()).update(numbers)
        self._something.set()

    def close(self) -> None:
        """Tell what is left, and stop."""
        if self._thread is not None:
            self._stopping.set()
            self._something.set()
            self._thread.join(5)
            self._thread = None

    def _beat(self) -> None:
        try:
            while not self._stopping.is_set():
                self._something.wait()
                self._something.clear()
                self._tell_all()
                self._stopping.wait(self._every_s)
            self._tell_all()
        finally:
            connection.close()

    def _tell_all(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for (event_id, tell), numbers in gathered.items():
            try:
                tell(event_id, numbers)
            except DatabaseError as error:
                # An event that was deleted meanwhile, or a database that restarts: the next word has the numbers.
                log.warning("event %s is not told what changed: %s", event_id, error)
                connection.close()


pulse = Pulse()
"""This process's."""
