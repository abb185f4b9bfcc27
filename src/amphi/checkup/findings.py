"""The findings of checks, and how they are printed."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from amphi.system.terminal import say

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


def print_report(findings: list[Finding], *, as_json: bool) -> int:
    """Print the findings for people, or as one JSON object; returns the exit status, 1 when something fails."""
    counts = {level: sum(one.level == level for one in findings) for level in ("OK", "WARN", "FAIL")}
    if as_json:
        content = {"ok": not counts["FAIL"], "findings": [finding.as_dict() for finding in findings]}
        print(json.dumps(content, ensure_ascii=False, indent=2))  # noqa: T201 -- a command's answer
    else:
        for finding in findings:
            print(finding.line())  # noqa: T201 -- a command's answer
        summary = say(
            en=f"{counts['OK']} OK, {counts['WARN']} to look at, {counts['FAIL']} failed.",
            fr=f"{counts['OK']} OK, {counts['WARN']} à regarder, {counts['FAIL']} en échec.",
        )
        print(f"\n{summary}")  # noqa: T201 -- a command's answer
    return 1 if counts["FAIL"] else 0
