"""Who leaves when."""

import asyncio
import ssl
import time

from amphi.loadtest.crowd import LEAVING_UNTIL, Crowd, Plan
from amphi.loadtest.place import Place, split

LATE_S = 0.05
SECONDS = 50.0


class Clock:
    """A clock of a busy process: each pause takes longer than it should."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds + LATE_S


class Present:
    """A listener who is there, and notes when it is told to leave, and for how long."""

    def __init__(self, clock: Clock, left: list[tuple[float, float]]) -> None:
        self._clock, self._left = clock, left

    def step_out(self, seconds: float) -> None:
        self._left.append((self._clock.now_s, seconds))


async def test_those_who_leave_are_back_before_the_end_also_when_this_process_is_late(monkeypatch):
    plan = Plan(listeners=1000, viewers=0, seconds=100, messages=0, leaving=0.3, slow=0)
    place = Place(split("https://amphi.example.org/live/hall/"), (), ssl.create_default_context())
    crowd, clock, left = Crowd(plan, place, lambda _: None), Clock(), []
    monkeypatch.setattr(crowd, "_listeners", [Present(clock, left) for _ in range(plan.listeners)])
    began_s = clock.now_s
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now_s)
    await crowd._step_out(SECONDS)
    monkeypatch.undo()
    assert len(left) == 300
    assert max(at_s for at_s, _ in left) <= began_s + LEAVING_UNTIL * SECONDS + LATE_S + 1e-6
    assert max(at_s + away_s for at_s, away_s in left) < began_s + 0.8 * SECONDS
