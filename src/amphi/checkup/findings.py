"""What a check found."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        level: FAIL: a webinar can't work like this; WARN: it can, and something deserves a look.
        check: what was looked at, stable, for programs: ``bigbluebutton``, ``clock``, …
        subject: which one, for people; empty where there is but one.
        sentence: what was found and what to do, in the terminal's language.
    """

    level: Level
    check: str
    subject: str
    sentence: str

    def line(self) -> str:
        """As the terminal shows it."""
        what = f"{self.check} {self.subject}".strip()
        return f"{self.level:<4}  {what}: {self.sentence}"

    def as_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


Check = Callable[[], Iterable[Finding]]
"""Looks at one thing, within seconds."""
