"""The event stream over real sockets."""

import asyncio
import json
from collections.abc import Collection
from dataclasses import replace

import pytest

from amphi.audience import claims
from amphi.audience.channel import Row, encode
from amphi.audience.queries import GAP_ROWS
from tests.origin.running import eventually


async def test_stream_begins_with_what_is_true_now(open_house):
    house = await open_house()
    house.publish(data='{"text":"before"}')
    stream = await house.open()
    said = await stream.until('"chat":true}\n\n')
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    retry, snapshot, rest = said.split("\n\n")
    assert 1000 <= int(retry.removeprefix("retry: ")) <= 3000
    assert snapshot == 'event: snapshot\ndata: {"seq":1,"state":"waiting","chat":true}'
    assert rest == ""


async def test_message_has_its_number_name_and_one_line(open_house):
    house = await open_house()
    stream = await house.open()
    await stream.until("snapshot")
    house.publish(data='{"text":"é\\n"}')
    said = await stream.until("id: 1")
    assert said.endswith('id: 1\nevent: message\ndata: {"text":"é\\n"}\n\n')


@pytest.mark.parametrize("by", ["header", "address", "both"])
async def test_stream_resumes_exactly(open_house, by):
    house = await open_house()
    for _ in range(9):
        house.publish()
    given = {
        "header": {"header": 4},
        "address": {"last_event_id": 4},
        "both": {"header": 4, "last_event_id": 1},
    }
    stream = await house.open(**given[by])
    await stream.until("id: 9")
    house.publish()
    await stream.until("id: 10")
    assert stream.ids() == [5, 6, 7, 8, 9, 10]


async def test_stream_resumes_from_before_the_backlog(open_house):
    house = await open_house(backlog=20)
    last = 3 * GAP_ROWS + 50
    for _ in range(last):
        house.publish()
    stream = await house.open(last_event_id=5)
    await stream.until(f"id: {last}\n")
    assert stream.ids() == list(range(6, last + 1))
    assert house.log.gaps_read == 4


async def test_those_who_missed_much_hold_up_nobody(open_house):
    house = await open_house(backlog=5)
    for _ in range(100):
        house.publish()
    quick = await house.open()
    await quick.until("snapshot")
    house.log.gaps_open.clear()
    behind = [await house.open(last_event_id=0) for _ in range(20)]
    await eventually(lambda: house.log.gaps_waiting)
    house.publish(data='"now"')
    await quick.until('"now"')
    house.log.gaps_open.set()
    for stream in behind:
        await stream.until('"now"')
        assert stream.ids() == list(range(1, 102))


async def test_backlog_answers_without_reading(open_house):
    house = await open_house()
    for _ in range(100):
        house.publish()
    streams = [await house.open(last_event_id=number) for number in range(0, 100, 5)]
    for stream in streams:
        await stream.until("id: 100\n")
    assert (house.log.opened, house.log.gaps_read) == (1, 0)


async def test_number_from_the_future_waits_for_new_messages(open_house):
    house = await open_house()
    house.publish()
    stream = await house.open(last_event_id=900)
    await stream.until("snapshot")
    house.publish()
    await stream.until("id: 2")
    assert stream.ids() == [2]


async def test_who_heard_more_from_another_process_hears_nothing_twice(open_house):
    house = await open_house(batch_s=60)
    first = await house.open()
    await first.until("snapshot")
    for _ in range(3):
        house.log.publish(1)
    # This process has not read them yet, and will not by itself.
    stream = await house.open(last_event_id=3)
    await stream.until("snapshot")
    house.publish()
    await stream.until("id: 4")
    assert stream.ids() == [4]


async def test_snapshot_follows_the_states(open_house):
    house = await open_house()
    first = await house.open()
    house.publish(kind="state", data='{"state":"live"}')
    house.publish(kind="chat", data='{"enabled":false}')
    await first.until("event: chat")
    second = await house.open()
    assert '"seq":2,"state":"live","chat":{"enabled":false}' in await second.until("snapshot\ndata: {")


async def test_each_event_has_its_own_stream(open_house):
    house = await open_house()
    one, two = await house.open(1), await house.open(2)
    for stream in (one, two):
        await stream.until("snapshot")
    house.publish(1, data='"one"')
    house.publish(2, data='"two"')
    assert '"two"' not in await one.until('"one"')
    assert '"one"' not in await two.until('"two"')


@pytest.mark.parametrize("wrong", ["", "nonsense", "a.b", "é"])
async def test_malformed_ticket_is_refused(open_house, wrong):
    house = await open_house()
    stream = await house.open(ticket=wrong.encode("utf-8").hex() if wrong == "é" else wrong)
    assert stream.status == 403
    assert house.hub.viewers() == {}


async def test_ticket_for_another_event_key_or_time_is_refused(open_house):
    house = await open_house()
    tickets = [house.ticket(2), house.ticket(key=b"another key"), house.ticket(lifetime_s=-5)]
    assert [(await house.open(1, ticket=ticket)).status for ticket in tickets] == [403, 403, 403]


async def test_only_get_is_answered(open_house):
    house = await open_house()
    assert (await house.open(method="POST")).status == 405


async def test_stream_ends_when_its_ticket_expires(open_house):
    house = await open_house()
    stream = await house.open(ticket=house.ticket(lifetime_s=600))
    await stream.until("snapshot")
    (listener,) = house.hub._crowd.listeners
    now = asyncio.get_running_loop().time()
    assert 500 < listener.expires_at - now <= 600
    listener.expires_at = now
    await stream.until_end()
    await eventually(lambda: house.hub.viewers() == {})


async def test_full_process_says_when_to_come_back(open_house):
    house = await open_house(listeners=2)
    first = await house.open()
    await house.open()
    refused = await house.open()
    assert refused.status == 503
    assert 5 <= int(refused.headers["retry-after"]) <= 15
    first.close()
    await eventually(lambda: len(house.hub._crowd.listeners) == 1)
    assert (await house.open()).status == 200


async def test_listener_who_leaves_is_forgotten(open_house):
    house = await open_house()
    stream = await house.open()
    await stream.until("snapshot")
    stream.close()
    await eventually(lambda: not house.hub._crowd.listeners and not house.hub._channels)
    await eventually(lambda: house.log.counted == {})


async def test_viewers_are_counted_once_each(open_house):
    house = await open_house(count_s=0.02)
    for viewer in ("u1", "u1", "u2"):
        await house.open(1, ticket=house.ticket(1, viewer=viewer))
    await house.open(2)
    # A page in which nobody has pressed play yet.
    await house.open(2, ticket=house.ticket(2, viewer="a3") + "&aside=1")
    assert house.hub.viewers() == {1: 2, 2: 1}
    await eventually(lambda: house.log.counted == {1: 2, 2: 1})


async def test_quiet_stream_is_kept_alive(open_house):
    house = await open_house(keep_alive_s=0.1)
    stream = await house.open()
    await stream.until("event: alive\ndata: {}\n\n")
    assert stream.ids() == []


async def test_batch_is_encoded_once_for_all(open_house, monkeypatch):
    encoded: list[int] = []

    def counting(row: Row) -> bytes:
        encoded.append(row.seq)
        return encode(row)

    monkeypatch.setattr("amphi.audience.channel.encode", counting)
    house = await open_house()
    streams = [await house.open() for _ in range(40)]
    for stream in streams:
        await stream.until("snapshot")
    house.publish()
    house.publish()
    for stream in streams:
        await stream.until("id: 2\n")
    assert encoded == [1, 2]
    (channel,) = house.hub._channels.values()
    assert len({id(channel.since(1)) for _ in streams}) == 1


async def test_slow_listener_is_let_go_and_disturbs_nobody(open_house):
    house = await open_house()
    slow, quick = await house.open(), await house.open()
    await quick.until("snapshot")
    size = 200_000
    # Far beyond what the sockets and the server's buffer take for somebody who reads nothing.
    for number in range(1, 41):
        house.publish(data=json.dumps("x" * size))
        await quick.until(f"id: {number}\n")
    # Only now, so that the quick one is not let go where this machine stands still for a while.
    await eventually(lambda: sum(listener.idle for listener in house.hub._crowd.listeners) == 1)
    house.hub.limits = replace(house.hub.limits, slow_s=0.5)
    await eventually(lambda: len(house.hub._crowd.listeners) == 1)
    house.publish(data='"after"')
    await quick.until('"after"')
    assert slow.status == 200


async def test_closing_ends_every_stream_says_when_to_come_back_and_refuses_new_ones(open_house):
    house = await open_house()
    streams = [await house.open() for _ in range(5)]
    await house.hub.close()
    for stream in streams:
        last = (await stream.until_end()).split("\n\n")[-2]
        assert 1000 <= int(last.removeprefix("retry: ")) <= 3010
    assert (await house.open()).status == 503


async def test_oldest_stream_of_a_viewer_ends_when_there_are_too_many(open_house):
    house = await open_house(per_viewer=3)
    streams = [await house.open(ticket=house.ticket(viewer="u1")) for _ in range(5)]
    other = await house.open(ticket=house.ticket(viewer="u2"))
    for stream in streams[:2]:
        assert (await stream.until_end()).endswith('event: bye\ndata: {"reason":"elsewhere"}\n\n')
    await eventually(lambda: len(house.hub._crowd.listeners) == 4)
    house.publish()
    for stream in (*streams[2:], other):
        await stream.until("id: 1\n")


async def test_one_ticket_opens_few_streams(open_house):
    house = await open_house()
    ticket = house.ticket(viewer="a1")
    for _ in range(60):
        await house.open(ticket=ticket)
    await eventually(lambda: len(house.hub._crowd.listeners) == 6)


@pytest.mark.parametrize(
    ("here", "elsewhere"), [("192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::{}", "2001:db8:0:2::1")]
)
async def test_address_holds_only_so_many(open_house, here, elsewhere):
    house = await open_house(per_address=3)
    streams = [await house.open(address=here.format(number)) for number in range(1, 4)]
    refused = await house.open(address=here.format(9))
    assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    assert (await house.open(address=elsewhere)).status == 200
    streams[0].close()
    await eventually(lambda: len(house.hub._crowd.listeners) == 3)
    assert (await house.open(address=here.format(9))).status == 200


async def test_stream_ends_when_the_right_is_withdrawn_and_no_new_one_opens(open_house, monkeypatch):
    monkeypatch.setattr(claims, "REMEMBER_S", 0.0)
    house = await open_house(rights_s=0.05)
    ticket = house.ticket(viewer="u7")
    stream, other = await house.open(ticket=ticket), await house.open()
    await stream.until("snapshot")
    house.withdrawn.add(claims.Claim(1, "u7", ""))
    assert (await stream.until_end()).endswith('event: bye\ndata: {"reason":"withdrawn"}\n\n')
    assert (await house.open(ticket=ticket)).status == 403
    house.publish()
    await other.until("id: 1\n")


async def test_expired_ticket_says_goodbye(open_house):
    house = await open_house()
    stream = await house.open(ticket=house.ticket(lifetime_s=2))
    assert (await stream.until_end()).endswith('event: bye\ndata: {"reason":"ticket"}\n\n')


async def test_crowd_forgets_all_who_left(open_house):
    house = await open_house(per_viewer=2)
    ticket = house.ticket(viewer="u1")
    streams = [await house.open(ticket=ticket, address="192.0.2.1") for _ in range(5)]
    for stream in streams:
        stream.close()
    await eventually(lambda: not house.hub._crowd.listeners)
    assert (house.hub._crowd._by_viewer, house.hub._crowd._by_address) == ({}, {})


async def test_who_may_still_listen_is_asked_in_one_read_for_all():
    reads: list[list[claims.Claim]] = []

    def refused(asked: Collection[claims.Claim]) -> set[claims.Claim]:
        reads.append(list(asked))
        return {claims.Claim(1, "a3", "")}

    rights = claims.Rights(refused)
    everybody = [claims.Claim(1, f"a{number}", "") for number in (1, 2, 3, 3)]
    ours = claims.Claim(1, claims.OURS, "")
    try:
        assert await rights.refused([*everybody, ours]) == {everybody[-1]}
        assert [sorted(read) for read in reads] == [sorted(set(everybody))]
        # What was read is remembered for those who come.
        assert [await rights.allows(one) for one in (*everybody, ours)] == [True, True, False, False, True]
        assert len(reads) == 1
    finally:
        rights.finish(lambda: None)
