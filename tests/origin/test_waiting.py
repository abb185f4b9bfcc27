"""Those who wait for the same change."""

import asyncio

from amphi.origin.waiting import AT_ONCE, Turn, Waiting
from tests.origin.running import eventually


class _Caller:
    """Notes the turn in which each of its requests is answered."""

    def __init__(self, turns: list[int], requests: int) -> None:
        self._turns = turns
        self._requests = requests

    def __len__(self) -> int:
        return self._requests

    async def call(self, turn: Turn) -> None:
        number = max(self._turns, default=0)
        for _ in range(self._requests):
            self._turns.append(number)
            if turn.is_over():
                await turn.next()
                number += 1


def test_so_many_are_answered_in_a_turn_whoever_they_wait_with():
    async def run() -> tuple[int, list[int]]:
        waiting, turns = Waiting(), []
        for requests in (2, AT_ONCE, 1):
            waiting.call_at_change(_Caller(turns, requests))
        blocked = waiting.blocked
        waiting.wake()
        await eventually(lambda: len(turns) == blocked)
        return blocked, turns

    blocked, turns = asyncio.run(run())
    assert blocked == AT_ONCE + 3
    assert turns == [0] * AT_ONCE + [1] * 3
    assert not Waiting().blocked
