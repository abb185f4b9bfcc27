"""The findings of checks."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        level: FAIL: webinars can't work like this. WARN: they can, but somebody should look at it.
        check: a stable name of the check, for programs: ``bigbluebutton``, ``clock``, …
        subject: which server or setting, for people; empty when there is only one.
        sentence: what was found and what to do, in the terminal's language.
    """

    level: Level
    check: str
    subject: str
    sentence: str

    def line(self) -> str:
        """The line for the terminal."""
        what = f"{self.check} {self.subject}".strip()
        return f"{self.level:<4}  {what}: {self.sentence}"

    def as_dict(self) -> dict[str, str]:
        """The finding as a JSON object."""
        return asdict(self)


Check = Callable[[], Iterable[Finding]]
"""A function that checks one thing within seconds."""
