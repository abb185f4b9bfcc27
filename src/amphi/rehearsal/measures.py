"""The measures of a rehearsal, their thresholds, and the report."""

import json
import math
from dataclasses import asdict, dataclass, field

THRESHOLDS: dict[str, float] = {
    "click_to_live_s": 8,
    "glass_to_glass_p50_s": 3.0,
    "av_offset_ms": 80,
    "chat_to_meeting_ms": 1000,
    "chat_to_listener_ms": 1000,
    "stop_to_offline_s": 2,
    "meeting_end_to_offline_s": 5,
    "gateway_cpu_cores": 1.1,
}
"""The largest allowed value of each measure; for an offset, its absolute value."""

ORDINARY_HLS: dict[str, float] = {"click_to_live_s": 15, "glass_to_glass_p50_s": 12}
"""Used instead when the live server has no partial segments, so that players wait for whole segments."""

OPTIONAL = frozenset({"gateway_cpu_cores", "frames_dropped_ratio"})
"""Measures that only `amphi gateway` reports."""


@dataclass
class Measures:
    """The measured values; None where nothing was measured."""

    click_to_live_s: float | None = None
    glass_to_glass_p50_s: float | None = None
    glass_to_glass_p95_s: float | None = None
    av_offset_ms: float | None = None
    chat_to_meeting_ms: float | None = None
    chat_to_listener_ms: float | None = None
    stop_to_offline_s: float | None = None
    meeting_end_to_offline_s: float | None = None
    gateway_cpu_cores: float | None = None
    frames_dropped_ratio: float | None = None


@dataclass
class Report:
    """A rehearsal's outcome.

    Attributes:
        measures: the measured values.
        failures: one sentence for each error and for each value beyond its threshold.
        low_latency: the live server has partial segments, so stricter thresholds apply.
    """

    measures: Measures = field(default_factory=Measures)
    failures: list[str] = field(default_factory=list)
    low_latency: bool = True

    @property
    def thresholds(self) -> dict[str, float]:
        """The largest allowed value of each measure in this rehearsal."""
        return THRESHOLDS if self.low_latency else THRESHOLDS | ORDINARY_HLS

    def judge(self) -> None:
        """Add a failure for each value that is missing or beyond its threshold."""
        values = asdict(self.measures)
        interrupted = bool(self.failures)
        for name, limit in self.thresholds.items():
            value = values[name]
            if value is None:
                # After an interruption, missing values need no failure of their own.
                if name not in OPTIONAL and not interrupted:
                    self.failures.append(f"{name} could not be measured.")
            elif abs(value) > limit:
                self.failures.append(f"{name} is {value:g}, more than {limit:g}.")

    @property
    def ok(self) -> bool:
        return not self.failures

    def as_json(self) -> str:
        """The report as one line of JSON."""
        content = {
            **asdict(self.measures),
            "ok": self.ok,
            "failures": self.failures,
            "thresholds": self.thresholds,
        }
        return json.dumps(content, ensure_ascii=False)

    def as_table(self) -> str:
        """A table for people: each value, its threshold and whether it holds."""
        lines = []
        for name, value in asdict(self.measures).items():
            limit = self.thresholds.get(name)
            shown = "–" if value is None else f"{value:g}"
            mark = " " if limit is None or value is None else "✓" if abs(value) <= limit else "✗"
            lines.append(f"  {mark} {name:<26}{shown:>10}" + (f"   ≤ {limit:g}" if limit is not None else ""))
        return "\n".join(
            [*lines, "", *(f"  ✗ {failure}" for failure in self.failures), *(["  ok"] if self.ok else [])]
        )


def percentile(values: list[float], share: float) -> float | None:
    """The value that `share` (0 to 1) of `values` don't exceed; None when there are no values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
