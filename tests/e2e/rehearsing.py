"""Rehearsals as a person holds them, from the command line."""

import json
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Any

from tests.demo.running import RunningDemo
from tests.e2e import machine

LONGEST_S = 600
BEYOND_ITS_THRESHOLD = re.compile(r"^\w+ is [-+.e\d]+, more than")


class OthersTookTheMachineWarning(UserWarning):
    """What was measured was not held to the thresholds."""


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal that was held.

    Attributes:
        report: standard output, which holds the report and nothing else.
        told: the progress.
        status: the exit status.
        others: the share of the processors' time that others took meanwhile.
        logs: the end of the demo's logs.
    """

    report: dict[str, Any]
    told: str
    status: int
    others: float
    logs: str

    def __str__(self) -> str:
        return f"{self.report}\nothers took {self.others:.0%} of the machine\n{self.told}\n{self.logs}"

    @property
    def what_is_not_a_timing(self) -> list[str]:
        """The failures but for thresholds."""
        return [failure for failure in self.report["failures"] if not BEYOND_ITS_THRESHOLD.match(failure)]

    def check(self) -> None:
        """Hold it to the rehearsal's own thresholds.

        Where others took the machine, those tell nothing of the code: all else is held, and a warning says so.
        """
        assert self.what_is_not_a_timing == [], self
        assert self.status == (0 if self.report["ok"] else 1), self
        if self.others <= machine.A_MACHINE_OF_ITS_OWN:
            assert self.report["ok"], self
        elif not self.report["ok"]:
            said = f"others took {self.others:.0%} of the machine: {' '.join(self.report['failures'])}"
            warnings.warn(said, OthersTookTheMachineWarning, stacklevel=2)


def start(demo: RunningDemo, *, seconds: int, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "amphi", "rehearse", "--json", "--seconds", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=demo.environment() | settings,
    )


def _finish(rehearsal: subprocess.Popen[str]) -> tuple[dict[str, Any], str, int]:
    with rehearsal:
        try:
            out, told = rehearsal.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            rehearsal.terminate()
            raise
    assert out.count("\n") == 1, out + told
    return json.loads(out), told, rehearsal.returncode


def hold(demo: RunningDemo, *, at_once: int = 1, seconds: int = 20, **settings: str) -> list[Rehearsal]:
    """Hold rehearsals, so many at once and so long on the air, with more settings if wanted."""
    with machine.shared() as share:
        held = [start(demo, seconds=seconds, **settings) for _ in range(at_once)]
        finished = [_finish(rehearsal) for rehearsal in held]
    return [Rehearsal(*one, share.others, demo.logs()) for one in finished]
