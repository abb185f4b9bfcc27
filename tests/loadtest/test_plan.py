"""Who comes when, from where, and whom `amphi loadtest` refuses to load."""

import asyncio
import resource

import pytest

from amphi.loadtest import cli
from amphi.loadtest.connection import Connection, unchunked
from amphi.loadtest.crowd import Plan
from amphi.loadtest.exceptions import ConnectionFailedError, LoadTestError
from amphi.loadtest.figures import Histogram, Own
from amphi.loadtest.place import need_files, sources_for, split
from amphi.system.addresses import block_of


def plan(**given) -> Plan:
    return Plan(
        **{"listeners": 1000, "viewers": 0, "seconds": 600, "messages": 0, "leaving": 0, "slow": 0} | given
    )


@pytest.mark.parametrize(("seconds", "half_s"), [(600, 120), (3600, 120), (100, 20)])
def test_half_come_within_two_minutes_and_less_in_a_shorter_run(seconds, half_s):
    arrivals = plan(seconds=seconds).arrivals()
    assert len(arrivals) == 1000
    assert arrivals == sorted(arrivals)
    assert abs(sum(due < half_s for due in arrivals) - 500) <= 1
    assert arrivals[-1] <= 2.5 * half_s <= seconds / 2


def test_a_crowd_on_this_machine_comes_from_many_addresses():
    found = sources_for("127.0.0.1", 10_000)
    assert len(set(found)) == 100
    assert len({block_of(one) for one in found}) == 100
    assert not {"127.0.0.1"} & set(found)
    assert sources_for("192.0.2.1", 10_000) == ()
    assert sources_for("192.0.2.1", 10_000, ("192.0.2.7",)) == ("192.0.2.7",)


def test_other_hosts_are_refused():
    own = "https://amphi.example.org"
    cli.refuse_others(split("https://amphi.example.org/live/hall/"), own)
    with pytest.raises(LoadTestError, match="--i-own-this"):
        cli.refuse_others(split("https://amphi.example.net/live/hall/"), own)


@pytest.mark.parametrize(
    "url", ["amphi.example.org/live/hall/", "ftp://a/live/b/", "https://a/", "https:///live/b/"]
)
def test_what_is_no_live_page_is_refused(url):
    with pytest.raises(LoadTestError, match="live page"):
        split(url)


@pytest.mark.parametrize(
    "options",
    [
        ["--listeners", "20001"],
        ["--listeners", "0"],
        ["--seconds", "3601"],
        ["--messages", "51"],
        ["--viewers", "-1"],
    ],
)
def test_count_and_time_are_bounded(options, capsys):
    with pytest.raises(SystemExit):
        cli.main(["https://amphi.example.org/live/hall/", *options])
    assert "must be" in capsys.readouterr().err


def test_too_few_files_are_told(monkeypatch):
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    with pytest.raises(LoadTestError, match="1024"):
        need_files(10_000)


@pytest.mark.parametrize(
    ("cpu_share", "lag_p99_ms", "is_limit"), [(0.5, 20, False), (0.95, 20, True), (0.5, 150, True)]
)
def test_it_says_when_it_was_the_limit_itself(cpu_share, lag_p99_ms, is_limit):
    assert Own(cpu_share, lag_p99_ms, 100).is_limit is is_limit


def test_percentiles():
    times = Histogram()
    for ms in range(1, 101):
        times.add(ms)
    assert [times.percentile(share) for share in (0, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert times.above(1).percentile(1) == 99
    assert Histogram().percentile(0.5) is None


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"3\r\nabc\r\n", b"abc"),
        (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nab", None),
        (b"3", None),
        (b"", b""),
    ],
)
def test_chunks(data, content):
    assert unchunked(data) == content


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_gone = False

    def write(self, data) -> None:
        self.sent += data

    def abort(self) -> None:
        self.is_gone = True

    def is_closing(self) -> bool:
        return self.is_gone


def give(connection: Connection, data: bytes) -> None:
    connection.get_buffer(-1)[: len(data)] = data
    connection.buffer_updated(len(data))


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("keeps", [True, False])
async def test_answers_in_pieces(step, keeps):
    connection = Connection({})
    connection.connection_made(Wire())
    assert connection.is_open
    for _ in range(2):
        asked = connection.ask(b"GET / HTTP/1.1\r\n\r\n", keeps=keeps)
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
        for at in range(0, len(whole), step):
            give(connection, whole[at : at + step])
        answer = await asked
        assert (answer.status, answer.size_bytes) == (200, 11)
        assert answer.body == b"hello world" or not keeps


async def test_a_connection_that_is_closed_says_so():
    overdue: dict[Connection, float] = {}
    connection = Connection(overdue)
    with pytest.raises(ConnectionFailedError):
        await connection.ask(b"")
    connection.connection_made(Wire())
    asked = connection.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert list(overdue) == [connection]
    connection.connection_lost(None)
    with pytest.raises(ConnectionFailedError):
        await asked
    assert (connection.is_open, overdue) == (False, {})


async def test_the_last_answer_of_a_connection_closes_it():
    connection = Connection({})
    wire = Wire()
    connection.connection_made(wire)
    asked = connection.ask(b"GET / HTTP/1.1\r\n\r\n")
    give(connection, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na")
    assert (await asked).body == b"a"
    assert wire.is_gone
