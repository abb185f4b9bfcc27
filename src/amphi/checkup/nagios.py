"""The findings as a plugin of Nagios or Icinga tells them (https://nagios-plugins.org/doc/guidelines.html)."""

import os
import signal
import sys
from types import FrameType

from amphi.checkup.findings import Finding
from amphi.system.terminal import say

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
"""By their exit statuses."""


def report(findings: list[Finding], *, took_s: float) -> tuple[str, int]:
    """The plugin's output and its exit status: what is wrong first, then the numbers, then all that is wrong line by line.

    Args:
        findings: of all checks.
        took_s: how long they took, in seconds.
    """
    failed = [one for one in findings if one.level == "FAIL"]
    doubtful = [one for one in findings if one.level == "WARN"]
    status = 2 if failed else 1 if doubtful else 0
    wrong = [*failed, *doubtful]
    said = _words(wrong[0].line()) if wrong else say(en="all answers", fr="tout répond")
    more = f" (+{len(wrong) - 1})" if len(wrong) > 1 else ""
    numbers = (
        f"ok={len(findings) - len(wrong)};;;0 warnings={len(doubtful)};0;;0"
        f" failures={len(failed)};;0;0 time={took_s:.2f}s;;;0"
    )
    lines = [f"AMPHI {STATES[status]} - {said}{more} | {numbers}", *(_words(one.line()) for one in wrong)]
    return "\n".join(lines), status


def unknown(why: str) -> tuple[str, int]:
    """The output and the exit status where nothing could be checked."""
    return f"AMPHI {STATES[3]} - {_words(why)}", 3


def end_after(timeout_s: int) -> None:
    """End this process as unknown when it still runs after `timeout_s` seconds, whatever its threads wait for."""

    def end(_number: int, _frame: FrameType | None) -> None:
        said, status = unknown(say(en=f"no end after {timeout_s} s", fr=f"pas terminé après {timeout_s} s"))
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
        os._exit(status)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(timeout_s)


def _words(text: str) -> str:
    """A text on one line, without what would begin the numbers."""
    return " ".join(text.replace("|", "/").split())
