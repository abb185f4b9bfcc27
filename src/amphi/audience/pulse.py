"""Publishes changes by many listeners (votes, results, hands, reactions) once a second instead of one by one.

Each web process collects its changes and publishes them for each event. A message has a total (the number of votes, not one more), or
a sum of this process that pages add up. If a process dies within the second, its last changes are not published; totals are in the
database, so the next message has them.
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
"""Publishes the collected changes of an event: a number for each key."""


class Pulse:
    """Collects changes and publishes them at most once in `every_s` for each event. Before `start`, everything is published at once."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._gathered: dict[tuple[int, Tell], Counter[str]] = {}
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Publish periodically from now on, in a thread with its own connection."""
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def add(self, tell: Tell, event_id: int, key: str = "", number: int = 1) -> None:
        """Have `tell` called soon. May be called from any thread."""
        self.add_all(tell, event_id, {key: number})

    def add_all(self, tell: Tell, event_id: int, numbers: Mapping[str, int]) -> None:
        """The same for several keys, which are published together."""
        if self._thread is None:
            tell(event_id, numbers)
            return
        with self._lock:
            self._gathered.setdefault((event_id, tell), Counter()).update(numbers)
        self._something.set()

    def close(self) -> None:
        """Publish the rest, and stop."""
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
                # The event was deleted, or the database restarts: the next message has the numbers.
                log.warning("event %s is not told what changed: %s", event_id, error)
                connection.close()


pulse = Pulse()
"""The one of this process."""
