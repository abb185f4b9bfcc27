"""What a run measured, as one line of JSON or as a table."""

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass, field


class Histogram:
    """Times in milliseconds, counted."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, ms: float, count: int = 1) -> None:
        """Count a time."""
        self._counts[round(ms)] += count

    @property
    def total(self) -> int:
        """How many were counted."""
        return self._counts.total()

    def percentile(self, share: float) -> int | None:
        """The time that `share` of them don't exceed, from 0 to 1; None without any."""
        wanted = max(1, math.ceil(share * self.total))
        for ms in sorted(self._counts):
            wanted -= self._counts[ms]
            if wanted <= 0:
                return ms
        return None

    def above(self, floor: int) -> "Histogram":
        """The same times, each less `floor`."""
        found = Histogram()
        for ms, count in self._counts.items():
            found.add(ms - floor, count)
        return found

    def seconds(self, share: float) -> float | None:
        """Like `percentile`, in seconds."""
        found = self.percentile(share)
        return None if found is None else round(found / 1000, 2)


@dataclass
class Tally:
    """What happened to the listeners.

    Attributes:
        joining: from opening the page to the begin of the event stream.
        pictures: from asking for the playlist to the first part.
        returning: from the loss of a stream to its next begin.
        ages: how old each part was when a listener had it, by the live server's clock.
        joined: listeners who heard the stream begin.
        listening: who have a stream now.
        away: times that somebody left, to come back.
        dropped: streams that ended though nobody left.
        sent: messages that the platform took.
        parts: that were fetched.
        media_bytes: of playlists, parts and segments.
        stalls: how often a picture stood still.
        stalled_s: how long, of all together.
        watched_s: how long pictures moved.
        troubles: answers and errors that no listener wants, each with its number.
    """

    joining: Histogram = field(default_factory=Histogram)
    pictures: Histogram = field(default_factory=Histogram)
    returning: Histogram = field(default_factory=Histogram)
    ages: Histogram = field(default_factory=Histogram)
    joined: int = 0
    listening: int = 0
    away: int = 0
    dropped: int = 0
    sent: int = 0
    parts: int = 0
    media_bytes: int = 0
    stalls: int = 0
    stalled_s: float = 0.0
    watched_s: float = 0.0
    troubles: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Own:
    """How this process did: its own slowness counts in every figure.

    Attributes:
        cpu_share: of one core, once all are there.
        lag_p99_ms: how late its event loop was.
        mib: its memory.
    """

    cpu_share: float
    lag_p99_ms: int
    mib: int

    BUSY = 0.9
    LATE_MS = 100

    @property
    def is_limit(self) -> bool:
        """Whether the figures are this process's rather than the platform's."""
        return self.cpu_share > self.BUSY or self.lag_p99_ms > self.LATE_MS


@dataclass(frozen=True)
class Report:
    """The outcome of a run; what was not measured is None."""

    listeners: int
    joined: int
    measured_s: float
    join_p50_s: float | None
    join_p99_s: float | None
    messages: int
    deliveries: int
    message_p50_ms: int | None
    message_p99_ms: int | None
    message_longest_ms: int | None
    slow_message_p50_ms: int | None
    slow_message_p99_ms: int | None
    lost: int
    doubled: int
    came_and_went: int
    streams_dropped: int
    back_p50_s: float | None
    back_longest_s: float | None
    watching: int
    parts: int
    media_mbit_s: float
    picture_p99_s: float | None
    late_p50_ms: int | None
    late_p99_ms: int | None
    stalls: int
    stalled_percent: float | None
    troubles: dict[str, int]
    own: Own
    absent: int
    behind: int

    @property
    def failures(self) -> list[str]:
        """What must not be."""
        found = []
        if self.joined < self.listeners:
            found.append(f"{self.listeners - self.joined} listeners never had a stream")
        if self.absent:
            found.append(f"{self.absent} listeners had no stream at the end")
        if self.behind:
            found.append(f"{self.behind} listeners had not heard at the end what others had")
        if self.lost:
            found.append(f"{self.lost} deliveries were lost")
        if self.doubled:
            found.append(f"{self.doubled} deliveries came twice")
        return found

    def as_json(self) -> str:
        """One line of JSON."""
        content = asdict(self)
        content["own"]["is_limit"] = self.own.is_limit
        return json.dumps({**content, "failures": self.failures}, ensure_ascii=False)

    def as_table(self) -> str:
        """For people."""
        content = {name: value for name, value in asdict(self).items() if name not in {"own", "troubles"}}
        lines = [
            f"  {name:<20}{'–' if value is None else f'{value:,}':>14}" for name, value in content.items()
        ]
        lines += [f"  {count:>14,} × {what}" for what, count in sorted(self.troubles.items())]
        own = self.own
        lines.append(
            f"  this process: {own.cpu_share:.0%} of a core, {own.lag_p99_ms} ms late (99 %), {own.mib} MiB"
        )
        if own.is_limit:
            lines.append(
                "  ! This process was the limit: the figures are its own rather than the platform’s."
            )
        return "\n".join([*lines, *(f"  ✗ {failure}." for failure in self.failures)])
