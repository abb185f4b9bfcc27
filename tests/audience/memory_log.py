"""A log of event streams in memory, for what is not about the database."""

from collections.abc import Mapping

from amphi.audience.hub import Reading, Row
from amphi.audience.queries import GAP_ROWS


class MemoryLog:
    """Every event exists; `readings` counts what was read."""

    def __init__(self) -> None:
        self.rows: dict[int, list[Row]] = {}
        self.counted: dict[int, int] = {}
        self.gaps_read = 0
        self.opened = 0

    def publish(self, event_id: int, kind: str = "message", data: str = "{}") -> int:
        rows = self.rows.setdefault(event_id, [])
        rows.append(Row(len(rows) + 1, kind, data))
        return len(rows)

    def opening(self, event_id: int, backlog: int) -> Reading | None:
        self.opened += 1
        rows = list(self.rows.get(event_id, []))
        return Reading(len(rows), rows[-backlog:], {"state": "waiting", "chat": True})

    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        found = {event_id: self.rows.get(event_id, [])[head:] for event_id, head in known.items()}
        return {event_id: rows for event_id, rows in found.items() if rows}

    def between(self, event_id: int, after: int, until: int) -> list[Row]:
        self.gaps_read += 1
        return self.rows[event_id][after : until - 1][:GAP_ROWS]

    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        self.counted = dict(viewers)

    def close(self) -> None:
        pass
