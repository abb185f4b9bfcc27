"""The rules that are checked, and what was found against them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """FAIL: the specification's MUST, or players stop. WARN: its SHOULD, or some players suffer."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Rule(NamedTuple):
    """A rule, and the section of draft-pantos-hls-rfc8216bis that has it, unless it is another document's."""

    topic: str
    section: str
    level: Level


class Fault(NamedTuple):
    """What breaks a rule: the rule's name in `RULES`, and a sentence."""

    rule: str
    sentence: str


RULES = {
    "answer": Rule("playlist", "6.2.1", Level.FAIL),
    "content-type": Rule("playlist", "4", Level.WARN),
    "syntax": Rule("playlist", "4.1", Level.FAIL),
    "version": Rule("playlist", "4.4.1.2", Level.FAIL),
    "window": Rule("playlist", "6.2.2", Level.FAIL),
    "map": Rule("playlist", "4.4.4.5", Level.FAIL),
    "rate": Rule("playlist", "6.2.1", Level.FAIL),
    "target-duration": Rule("durations", "4.4.3.1", Level.FAIL),
    "target-grows": Rule("durations", "4.4.3.1", Level.WARN),
    "duration-honest": Rule("durations", "4.4.4.1", Level.FAIL),
    "part-sum": Rule("durations", "4.4.4.9", Level.FAIL),
    "part-too-long": Rule("parts", "4.4.4.9", Level.FAIL),
    "part-too-short": Rule("parts", "4.4.4.9", Level.FAIL),
    "part-target": Rule("parts", "4.4.3.7", Level.FAIL),
    "parts-old": Rule("parts", "4.4.4.9", Level.WARN),
    "hold-back": Rule("parts", "4.4.3.8", Level.FAIL),
    "hold-back-short": Rule("parts", "4.4.3.8", Level.WARN),
    "hint": Rule("hints", "4.4.5.3", Level.FAIL),
    "hint-kept": Rule("hints", "4.4.5.3", Level.FAIL),
    "blocking": Rule("blocking reload", "6.2.5.2", Level.FAIL),
    "blocking-late": Rule("blocking reload", "6.2.5.2", Level.FAIL),
    "blocking-stale": Rule("blocking reload", "6.2.5.2", Level.FAIL),
    "blocking-ahead": Rule("blocking reload", "6.2.5.2", Level.WARN),
    "blocking-part-alone": Rule("blocking reload", "6.2.5.2", Level.FAIL),
    "blocking-offered": Rule("blocking reload", "B.1", Level.FAIL),
    "delta": Rule("delta updates", "6.2.5.1", Level.FAIL),
    "delta-boundary": Rule("delta updates", "4.4.3.8", Level.FAIL),
    "date-missing": Rule("dates", "B.1", Level.FAIL),
    "date-jump": Rule("dates", "4.4.4.6", Level.WARN),
    "date-drift": Rule("dates", "4.4.4.6", Level.WARN),
    "number-back": Rule("numbers", "4.4.3.2", Level.FAIL),
    "segment-changed": Rule("numbers", "6.2.1", Level.FAIL),
    "discontinuity-sequence": Rule("numbers", "4.4.3.3", Level.FAIL),
    "discontinuity-missing": Rule("numbers", "4.4.4.3", Level.WARN),
    "bandwidth": Rule("variants", "4.4.6.2", Level.FAIL),
    "bandwidth-low": Rule("variants", "4.4.6.2", Level.WARN),
    "codecs-missing": Rule("variants", "4.4.6.2", Level.WARN),
    "codecs-wrong": Rule("variants", "4.4.6.2", Level.FAIL),
    "resolution": Rule("variants", "4.4.6.2", Level.WARN),
    "rendition-report": Rule("variants", "B.1", Level.WARN),
    "media-answer": Rule("media", "6.2.1", Level.FAIL),
    "media-format": Rule("media", "3.1", Level.FAIL),
    "media-time": Rule("media", "3.1.2", Level.FAIL),
    "media-independent": Rule("media", "4.4.4.9", Level.FAIL),
    "segment-independent": Rule("media", "4.4.2.1", Level.FAIL),
    "segment-parts": Rule("media", "4.4.4.9", Level.FAIL),
    "cache-media": Rule("caching", "B.1", Level.WARN),
    "cache-playlist": Rule("caching", "B.1", Level.FAIL),
    "cache-blocked": Rule("caching", "B.1", Level.WARN),
    "cache-error": Rule("caching", "B.1", Level.WARN),
    "cors": Rule("other sites", "CORS", Level.WARN),
    "gzip": Rule("compression", "HLS authoring", Level.WARN),
    "http2": Rule("HTTP/2", "B.1", Level.WARN),
}


@dataclass(slots=True)
class Finding:
    """One line of the report."""

    level: Level
    topic: str
    section: str
    rule: str
    sentence: str
    count: int = 1

    def line(self) -> str:
        """The line for the terminal."""
        section = f" ({self.section})" if self.section else ""
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.level:<4}  {self.topic}{section}: {self.sentence}{more}"


@dataclass(slots=True)
class Report:
    """What was checked, what was found, and what was measured.

    Attributes:
        measured: numbers, each by its name with its unit.
    """

    findings: dict[str, Finding] = field(default_factory=dict)
    measured: dict[str, float | int | str] = field(default_factory=dict)
    _checked: dict[str, str] = field(default_factory=dict)

    def add(self, faults: Iterable[Fault]) -> None:
        """Add what was found; only the first sentence of a rule is kept, and how often it was broken."""
        for fault in faults:
            rule = RULES[fault.rule]
            known = self.findings.get(fault.rule)
            if known is not None:
                known.count += 1
                continue
            self.findings[fault.rule] = Finding(
                rule.level, rule.topic, rule.section, fault.rule, fault.sentence
            )

    def checked(self, topic: str, sentence: str) -> None:
        """Note that a topic was checked. `sentence` is its line when nothing was found."""
        self._checked[topic] = sentence

    @property
    def failed(self) -> bool:
        return any(found.level is Level.FAIL for found in self.findings.values())

    def lines(self) -> list[Finding]:
        """All lines: topics without a fault first."""
        faulty = {found.topic for found in self.findings.values()}
        good = [
            Finding(Level.OK, topic, "", "", sentence)
            for topic, sentence in self._checked.items()
            if topic not in faulty
        ]
        return good + sorted(self.findings.values(), key=lambda found: found.level)
