"""Whatever a listener says that it heard last: it hears no other event, nothing twice, and no more is read for it than it takes."""

import asyncio
import itertools
import re
import socket
import threading
from dataclasses import replace
from urllib.parse import quote_from_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from amphi.audience.queries import GAP_ROWS
from tests.origin.running import eventually

PATIENCE_S = 60.0
MESSAGES, BACKLOG = 40, 10
NUMBERS = st.one_of(
    st.integers(-2, MESSAGES + 3),
    st.integers(-(10**30), 10**30),
    st.sampled_from([2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**18, 10**400]),
).map(lambda number: b"%d" % number)
DIGITS = st.text("\u0660\u0664\u0967\uff11\u00b2\u2460\U0001d7ce", min_size=1).map(str.encode)
ODD = st.sampled_from(
    [
        b"",
        b"0x10",
        b"1e3",
        b"+4",
        b"4_0",
        b"4;5",
        b"4,5",
        b" 4",
        b"00004",
        b"NaN",
        b"'1",
        b"\0",
        b"4\0",
        b"2:7",
    ]
)
IDS = st.one_of(
    NUMBERS, DIGITS, ODD, st.binary(max_size=40), st.binary(max_size=4).map(lambda piece: piece * 500)
)
# HTTP takes neither in a header: what it says of those is its own.
HEADERS = st.lists(IDS.filter(lambda value: not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value)), max_size=2)


class Listener:
    """One request with these ids, and what is answered, by a plain socket."""

    def __init__(self, port: int, ticket: str, headers: list[bytes], asked: list[bytes]) -> None:
        query = "".join(f"&last_event_id={quote_from_bytes(value)}" for value in asked)
        head = [f"GET /live/1/events?ticket={ticket}{query} HTTP/1.1".encode(), b"Host: localhost"]
        head += [b"Last-Event-ID: " + value for value in headers]
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._socket.sendall(b"\r\n".join([*head, b"", b""]))
        self.said = b""

    def until(self, wanted: bytes) -> bool:
        """Whether it comes before the answer ends."""
        while wanted not in self.said:
            piece = self._socket.recv(65_536)
            if not piece:
                return False
            self.said += piece
        return True

    def close(self) -> None:
        self._socket.close()


async def test_no_id_breaks_the_stream_or_opens_another_events(open_house):
    house = await open_house(backlog=BACKLOG)
    for _ in range(MESSAGES):
        house.publish(1, data='"one"')
        house.publish(2, data='"two"')
    turns = itertools.count()

    @settings(max_examples=100, database=None)
    @given(HEADERS, st.lists(IDS, max_size=3))
    def hear(headers: list[bytes], asked: list[bytes]) -> None:
        listener = Listener(house.port, house.ticket(), headers, asked)
        try:
            assert listener.until(b"event: snapshot"), listener.said
            assert listener.said.startswith(b"HTTP/1.1 200 "), listener.said
            last = f'"last of {next(turns)}"'
            loop.call_soon_threadsafe(lambda: house.publish(1, data=last))
            assert listener.until(last.encode())
        finally:
            listener.close()
        assert b'"two"' not in listener.said
        heard = [int(number) for number in re.findall(rb"id: (\d+)\n", listener.said)]
        assert heard == list(range(heard[0], heard[0] + len(heard)))

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(hear)


async def test_who_names_the_first_message_and_takes_nothing_has_no_more_read_than_a_piece(open_house):
    """A thousand who say that they heard nothing of a long day would otherwise have it in memory a thousand times."""
    house = await open_house(backlog=5)
    for _ in range(12 * GAP_ROWS):
        house.publish(data=f'"{"x" * 4000}"')
    house.hub.limits = replace(house.hub.limits, slow_s=0.5)
    listener = await house.open(last_event_id=0)
    await eventually(lambda: not house.hub.streams)
    assert house.log.gaps_read <= 4
    listener.close()


async def test_who_names_a_later_message_as_the_last_listener_leaves_hears_what_comes(
    open_house, monkeypatch
):
    """The channel is closed while this process reads what another one told the listener: they would hear nothing, and not know."""
    house = await open_house()
    await (await house.open(2)).until("snapshot")
    last = await house.open(1)
    await last.until("snapshot")
    reads, may_go_on, after = threading.Event(), threading.Event(), house.log.after

    def slow(known):
        reads.set()
        assert may_go_on.wait(PATIENCE_S)
        return after(known)

    monkeypatch.setattr(house.log, "after", slow)
    await eventually(reads.is_set)
    last.close()
    await eventually(lambda: house.hub.streams == 1)
    opening = asyncio.create_task(house.open(1, last_event_id=900))
    await eventually(lambda: house.hub.streams == 2)
    may_go_on.set()
    stream = await opening
    await stream.until("snapshot")
    house.publish(1, data='"new"')
    await stream.until('"new"')
