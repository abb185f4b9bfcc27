"""Finds a picture or sound that is dead though all parts seem to work, and decides what to do about it. Pure: no I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Alarm(StrEnum):
    """What is wrong; the values are reasons of the API."""

    FROZEN = "frozen"
    BLACK = "black"
    SILENT = "silent"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the meeting's page says, and what the audience gets, at one moment. None: it can't be told.

    Attributes:
        moves: a camera, film or screen in the page plays on.
        speaks: the meeting says that somebody speaks.
        covered: the words of a dialog over the picture; empty for none.
        pictureless: no picture has come for a moment, though still ones are repeated.
        fresh: a picture with something new has come.
        black: the whole picture is black.
        silent: the sound has been silent.
    """

    moves: bool | None = None
    speaks: bool | None = None
    covered: str = ""
    pictureless: bool = False
    fresh: bool | None = None
    black: bool | None = None
    silent: bool | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """When an alarm is raised: its condition must hold for `patience_s` without a break."""

    alarm: Alarm
    is_so: Callable[[Sight], bool | None]
    patience_s: float
    words: str


# With the moment that each of their signs takes itself, all are found within ten seconds.
RULES = (
    _Rule(Alarm.FROZEN, lambda sight: sight.pictureless, 4, "the browser gives no pictures any more"),
    _Rule(
        Alarm.FROZEN,
        lambda sight: sight.moves and sight.fresh is False,
        6,
        "the picture stands still, though something moves in the meeting",
    ),
    _Rule(Alarm.BLACK, lambda sight: sight.black, 7, "the whole picture is black"),
    _Rule(
        Alarm.SILENT,
        lambda sight: sight.speaks and sight.silent,
        6,
        "nothing is heard, though the meeting says that somebody speaks",
    ),
    _Rule(
        Alarm.COVERED,
        lambda sight: bool(sight.covered),
        6,
        "something lies over the picture that does not go",
    ),
)
RECENT_S = 180
"""An alarm that comes again within this time was not mended by joining anew: it is told, and the live goes on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An alarm, one English sentence for the log, and whether to join the meeting anew."""

    alarm: Alarm
    words: str
    must_rejoin: bool


@dataclass(slots=True)
class Watchdog:
    """Remembers since when what is wrong, and what was tried against it."""

    _since: dict[int, float] = field(default_factory=dict)
    _tried: dict[Alarm, float] = field(default_factory=dict)

    def begin(self) -> None:
        """The meeting was joined anew."""
        self._since.clear()

    def look(self, sight: Sight, now_s: float) -> Finding | None:
        """What is wrong by now; None while all is well, or not yet known to be wrong."""
        found = None
        for number, rule in enumerate(RULES):
            if not rule.is_so(sight):
                self._since.pop(number, None)
            elif now_s - self._since.setdefault(number, now_s) >= rule.patience_s:
                found = found or rule
        return self._answer(found, sight, now_s) if found else None

    def _answer(self, rule: _Rule, sight: Sight, now_s: float) -> Finding:
        words = f"{rule.words}: {sight.covered}" if rule.alarm is Alarm.COVERED else rule.words
        tried_at = self._tried.get(rule.alarm)
        if tried_at is not None and now_s - tried_at < RECENT_S:
            self._tried[rule.alarm] = now_s  # while it lasts
            return Finding(rule.alarm, words, must_rejoin=False)
        self._tried[rule.alarm] = now_s
        return Finding(rule.alarm, words, must_rejoin=True)
