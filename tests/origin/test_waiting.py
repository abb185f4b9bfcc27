"""Those who wait for the same change."""

import asyncio

from amphi.origin.waiting import AT_ONCE, Waiting


def test_what_the_first_finds_the_others_know_until_something_else_may_have_changed():
    async def run() -> list[int]:
        waiting, found, all_called = Waiting(), [], asyncio.Event()

        def caller_of(number):
            def call(known):
                known.setdefault("found by", number)
                found.append(known["found by"])
                if len(found) == AT_ONCE + 2:
                    all_called.set()

            return call

        for number in range(AT_ONCE + 2):
            waiting.call_at_change(caller_of(number))
        waiting.wake()
        await all_called.wait()
        return found

    assert asyncio.run(run()) == [0] * AT_ONCE + [AT_ONCE] * 2
