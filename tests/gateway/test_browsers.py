"""Browsers that are kept ready: which one a job gets, and how many are started."""

import asyncio
from typing import Any

import pytest

from amphi.gateway.browsers import BrowserReserve
from amphi.gateway.config import Config


class Browser:
    """Nothing is filmed here."""

    is_alive = True

    async def close(self) -> None:
        self.is_alive = False


@pytest.fixture
def launches(monkeypatch) -> list[asyncio.Future[Browser]]:
    """The browsers that are being started; each is there once its future has it."""
    begun: list[asyncio.Future[Browser]] = []

    async def launch(_: BrowserReserve) -> Browser:
        begun.append(asyncio.get_running_loop().create_future())
        return await begun[-1]

    monkeypatch.setattr(BrowserReserve, "_launch", launch)
    return begun


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- of what happens on this loop
            await asyncio.sleep(0)


async def test_job_takes_the_first_browser_that_is_ready_and_the_others_wait(launches):
    reserve, first = BrowserReserve(Config(token="t")), Browser()
    reserve.refill(wanted=2)
    await _until(lambda: launches)
    taking = asyncio.create_task(reserve.take())
    await asyncio.sleep(0)
    launches[0].set_result(first)
    assert await asyncio.wait_for(taking, 10) is first
    await _until(reserve._filling.done)
    assert len(launches) == 1

    # Once all is calm they are asked for again.
    reserve.refill(wanted=1)
    await _until(lambda: len(launches) == 2)
    second = Browser()
    launches[1].set_result(second)
    await _until(reserve._filling.done)
    assert await reserve.take() is second
    await reserve.close()


async def test_two_jobs_that_wait_get_a_browser_each(launches):
    reserve, both = BrowserReserve(Config(token="t")), [Browser(), Browser()]
    reserve.refill(wanted=1)
    await _until(lambda: launches)
    taking = [asyncio.create_task(reserve.take()) for _ in both]
    await asyncio.sleep(0)
    launches[0].set_result(both[0])
    await _until(lambda: len(launches) == 2)
    launches[1].set_result(both[1])
    assert set(await asyncio.wait_for(asyncio.gather(*taking), 10)) == set(both)
    await reserve.close()
