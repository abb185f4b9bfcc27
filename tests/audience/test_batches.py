"""How often a process writes to everybody, and in which turns."""

import itertools
import time

import pytest

from amphi.audience.channel import Channel, hand_over
from amphi.audience.crowd import Limits, Listener, back_ms
from amphi.audience.hub import turns


@pytest.mark.parametrize(
    ("wrote_s", "period_s"),
    [(0.001, 0.2), (0.04, 0.2), (0.06, 0.3), (0.12, 0.6), (0.2, 0.7), (0.35, 0.7), (0.6, 1.2)],
)
def test_where_writing_takes_long_it_is_done_less_often(wrote_s, period_s):
    assert Limits().period_s(wrote_s) == pytest.approx(period_s)


def test_whatever_is_set_for_small_halls_is_the_least():
    assert Limits(batch_s=0.02).period_s(0.001) == 0.02


def test_a_batch_is_spread_over_its_period_by_turns_of_many():
    assert list(turns(1000, 0.4)) == [(0, 0.0), (250, 0.1), (500, 0.2), (750, pytest.approx(0.3))]
    assert list(turns(251, 0)) == [(0, 0.0), (250, 0.0)]
    assert list(turns(3, 0.7)) == [(0, 0.0)]


@pytest.mark.parametrize(
    ("listeners", "first_ms", "last_ms"),
    [(1, 1_000, 3_000), (1_000, 1_400, 3_400), (5_000, 3_000, 8_500), (10_000, 4_000, 12_000)],
)
def test_who_lose_their_stream_together_come_back_one_after_the_other(listeners, first_ms, last_ms):
    times = [back_ms(listeners) for _ in range(2_000)]
    assert first_ms <= min(times) <= max(times) <= last_ms
    assert len(set(times)) > 500


async def test_messages_of_a_moment_are_one_write(open_house):
    house = await open_house(batch_s=0.3)
    stream = await house.open()
    await stream.until("snapshot")
    house.publish()
    await stream.until("id: 1\n")
    for _ in range(50):
        house.publish()
    await stream.until("id: 51\n")
    assert len([piece for piece in stream.pieces if "id: " in piece]) == 2


async def test_writing_leaves_most_of_the_time_to_others(open_house, monkeypatch):
    """As in a large hall, where a batch is a write to thousands."""
    wrote: list[tuple[float, float]] = []

    def slow(listener: Listener, channel: Channel, now: float) -> bool:
        began = time.monotonic()
        time.sleep(0.05)
        done = hand_over(listener, channel, now)
        wrote.append((began, time.monotonic()))
        return done

    monkeypatch.setattr("amphi.audience.hub.hand_over", slow)
    house = await open_house()
    stream = await house.open()
    await stream.until("snapshot")
    for number in range(1, 6):
        house.publish()
        await stream.until(f"id: {number}\n")
    pauses = [began - ended for (_, ended), (began, _) in itertools.pairwise(wrote)]
    assert len(pauses) == 4
    assert min(pauses) > 0.19


async def test_whose_turn_comes_later_in_a_batch_hears_what_was_published_meanwhile(open_house, monkeypatch):
    """As in a hall of thousands, where a batch is spread over its period."""
    heads: list[int] = []
    monkeypatch.setattr("amphi.audience.hub.AT_ONCE", 1)
    monkeypatch.setattr("amphi.audience.hub.READ_EVERY_S", 0)
    house = await open_house(batch_s=0.5)

    def noted(listener: Listener, channel: Channel, now: float) -> bool:
        if channel.head == 2 and len(heads) == 3:
            house.publish()
        heads.append(channel.head)
        return hand_over(listener, channel, now)

    monkeypatch.setattr("amphi.audience.hub.hand_over", noted)
    streams = [await house.open() for _ in range(3)]
    for stream in streams:
        await stream.until("snapshot")
    house.publish()
    for stream in streams:
        await stream.until("id: 1\n")
    house.publish()
    for stream in streams:
        await stream.until("id: 3\n")
    assert heads[:6] == [1, 1, 1, 2, 3, 3]
    assert all(stream.ids() == [1, 2, 3] for stream in streams)
