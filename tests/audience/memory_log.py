"""A log of event streams in memory, for what is not about the database. It gives no more in one reading than the real one."""

import threading
from collections.abc import Mapping

from amphi.audience.channel import Reading, Row
from amphi.audience.queries import GAP_ROWS, NEWS_ROWS


class MemoryLog:
    """Every event exists; `readings` counts what was read."""

    def __init__(self) -> None:
        self.rows: dict[int, list[Row]] = {}
        self.counted: dict[int, int] = {}
        self.gaps_read = 0
        self.opened = 0
        self.gaps_open = threading.Event()
        """Closed, it makes a reading of a gap take for ever."""
        self.gaps_open.set()
        self.gaps_waiting = False

    def publish(self, event_id: int, kind: str = "message", data: str = "{}") -> int:
        rows = self.rows.setdefault(event_id, [])
        rows.append(Row(len(rows) + 1, kind, data))
        return len(rows)

    def opening(self, event_id: int, backlog: int) -> Reading | None:
        self.opened += 1
        rows = list(self.rows.get(event_id, []))
        return Reading(len(rows), rows[-backlog:], {"state": "waiting", "chat": True})

    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        found, left = {}, NEWS_ROWS
        for event_id, head in sorted(known.items()):
            if rows := self.rows.get(event_id, [])[head:][:left]:
                found[event_id] = rows
                left -= len(rows)
        return found

    def between(self, event_id: int, after: int, until: int) -> list[Row]:
        self.gaps_read += 1
        self.gaps_waiting = True
        assert self.gaps_open.wait(120)
        return self.rows[event_id][after : until - 1][:GAP_ROWS]

    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        self.counted = dict(viewers)

    def close(self) -> None:
        pass
