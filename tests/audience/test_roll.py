"""The roll: called once a minute, for thousands at once, and in nobody's way."""

import asyncio
import threading

import pytest

from amphi.audience.claims import Claim
from amphi.audience.crowd import Limits, Listener
from amphi.audience.exceptions import LogUnavailableError
from amphi.audience.hub import Hub
from amphi.audience.roll import Roll
from tests.audience.memory_log import MemoryLog
from tests.origin.running import eventually


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_roll_is_due_once_a_minute_at_its_second():
    clock = Clock(600.0)
    roll = Roll(lambda present, minute: None, second=20, clock=clock)
    due = []
    for second in range(600, 800):
        clock.now = second + 0.5
        if roll.is_due():
            due.append(second)
    assert due == [600, 620, 680, 740]
    roll.finish(lambda: None)


def test_seconds_of_processes_differ_and_are_well_within_the_minute():
    rolls = [Roll(lambda present, minute: None) for _ in range(50)]
    seconds = [roll._second for roll in rolls]
    assert min(seconds) >= 5
    assert max(seconds) <= 45
    assert len(set(seconds)) > 40


async def test_ten_thousand_listeners_are_noted_by_one_call():
    noted: list[tuple[dict, int]] = []
    clock = Clock(60 * 100 + 1.0)
    log = MemoryLog()
    roll = Roll(lambda present, minute: noted.append((dict(present), minute)), second=0.5, clock=clock)
    hub = Hub(log, process="tests", limits=Limits(batch_s=0.01), roll=roll)
    for number in range(9_999):
        # Each third person has two tabs, and each fourth listens to another event.
        claim = Claim(1 if number % 4 else 2, f"u{number - (number % 3 == 2)}", "")
        hub.enter(Listener(claim, None, float("inf")))
    # A presenter's desk is not a listener.
    desk = Listener(Claim(1, "upresenter", ""), None, float("inf"), aside=True)
    hub.enter(desk)
    await eventually(lambda: len(noted) == 1)
    present, minute = noted[0]
    assert minute == 100
    everybody = {listener.viewer for listener in hub._crowd.listeners if listener is not desk}
    assert present[1] | present[2] == everybody
    assert sum(len(viewers) for viewers in present.values()) == sum(hub.viewers().values())
    clock.now += 60
    await eventually(lambda: len(noted) == 2)
    assert noted[1] == (present, 101)
    await hub.close()


@pytest.mark.parametrize("what", ["slow", "broken"])
async def test_database_that_is_slow_or_away_holds_up_no_stream(what):
    clock, done = Clock(6001.0), threading.Event()
    calls: list[int] = []

    def note(present, minute) -> None:
        calls.append(minute)
        if what == "broken":
            raise LogUnavailableError("away")
        assert done.wait(60)

    log = MemoryLog()
    roll = Roll(note, second=0.5, clock=clock)
    hub = Hub(log, process="tests", limits=Limits(batch_s=0.01), roll=roll)
    listener = Listener(Claim(1, "u1", ""), None, float("inf"))
    hub.enter(listener)
    channel = await hub.attach(listener)
    assert channel is not None
    await eventually(lambda: calls == [100])
    clock.now += 60
    log.publish(1)
    hub.wake()
    await eventually(lambda: channel.head == 1)
    if what == "slow":
        # One call at a time: what is late is left out, not heaped up.
        assert calls == [100]
        done.set()
    await eventually(lambda: calls == [100, 101])
    await hub.close()
    await asyncio.sleep(0)
