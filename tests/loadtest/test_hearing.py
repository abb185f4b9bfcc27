"""What a simulated listener notices of its event stream."""

import pytest

from amphi.loadtest.hearing import Ear, Hearing, SlowEar

END = b"0\r\n\r\n"
RUN = r"\[run\]"
SNAPSHOT = 'retry: 1500\n\nevent: snapshot\ndata: {"seq":4,"state":"live"}\n\n'


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


def message(number: int, text: str = "") -> str:
    return f'id: {number}\nevent: message\ndata: {{"id":"x","text":"{text}"}}\n\n'


def ear_at(last: int) -> Ear:
    ear = Ear(Hearing(RUN), last)
    ear.hear(chunk(SNAPSHOT))
    return ear


def test_a_stream_begins_with_its_snapshot():
    ear = Ear(Hearing(RUN), 4)
    assert not ear.has_begun
    ear.hear(chunk(SNAPSHOT + message(5)))
    assert (ear.has_begun, ear.retry_s, ear.last) == (True, 1.5, 5)
    assert (ear.hearing.deliveries, ear.hearing.caught_up) == (1, 1)


@pytest.mark.parametrize(
    ("numbers", "lost", "doubled"),
    [
        ([5, 6], 0, 0),
        ([6], 1, 0),
        ([5, 5], 0, 1),
        ([5, 6, 5, 6], 0, 2),
        ([8], 3, 0),
        ([3], 0, 0),
        ([3, 4, 5], 0, 0),
    ],
)
def test_each_message_is_to_come_once(numbers, lost, doubled):
    ear = ear_at(4)
    for number in numbers:
        ear.hear(chunk(message(number)))
    assert (ear.hearing.lost, ear.hearing.doubled) == (lost, doubled)


def test_a_gap_within_a_piece_counts():
    ear = ear_at(4)
    ear.hear(chunk(message(5) + message(7)))
    assert ear.hearing.lost == 1


def test_a_gap_in_what_a_listener_missed_counts():
    ear = Ear(Hearing(RUN), 4)
    ear.hear(chunk(SNAPSHOT + message(5) + message(6) + message(8)))
    assert (ear.hearing.lost, ear.hearing.caught_up, ear.last) == (1, 4, 8)


@pytest.mark.parametrize("cut", [1, 3, 20, -1])
def test_pieces_that_come_in_two(cut):
    ear = ear_at(4)
    data = chunk(message(5)) + chunk(message(6))
    ear.hear(data[:cut])
    ear.hear(data[cut:])
    assert (ear.last, ear.hearing.lost, ear.hearing.doubled) == (6, 0, 0)


@pytest.mark.parametrize("size", [1, 3, 20, 64, 1000])
def test_slow_line_hears_each_message_once_it_is_whole(size):
    ear = SlowEar(Hearing(RUN), 2)
    ear.prepare()
    ear.hearing.counts = True
    stamped = "[run] 0 1700000000.000 Text"
    missed = SNAPSHOT + message(3, stamped) + message(4)
    data = chunk(missed) + chunk(message(5, stamped) + message(6, "é")) + chunk(message(7)) + END
    heard = []
    for at in range(0, len(data), size):
        ear.hear(data[at : at + size])
        heard.append(ear.last)
    assert (ear.last, ear.hearing.lost, ear.hearing.doubled, ear.has_ended) == (7, 0, 0, True)
    assert 5 in heard or size > 64


def test_slow_line_times_no_message_that_it_missed():
    ear = SlowEar(Hearing(RUN), 2)
    ear.prepare()
    ear.hearing.counts = True
    stamped = "[run] 0 1700000000.000 Text"
    for text in (SNAPSHOT, message(3, stamped) + message(4), message(5, stamped)):
        ear.hear(chunk(text))
    hearing = ear.hearing
    assert (hearing.slow_delays.total, hearing.delays.total, hearing.deliveries) == (1, 0, 3)


def test_only_messages_of_this_run_are_timed():
    ear = ear_at(4)
    ear.hearing.counts = True
    ear.hear(chunk(message(5, "[run] 0 1700000000.000 Text")))
    ear.hear(chunk(message(6, "[nur] 0 1700000000.000 Text")))
    ear.hearing.settle()
    assert ear.hearing.delays.total == 1


def test_a_piece_is_timed_for_each_who_hears_it_also_after_the_figures_were_counted():
    hearing = Hearing(RUN)
    hearing.counts = True
    ears = [Ear(hearing, 4) for _ in range(3)]
    piece = chunk(message(5, "[run] 0 1700000000.000 Text"))
    for ear in ears[:2]:
        ear.hear(piece)
    hearing.settle()
    ears[2].hear(piece)
    hearing.settle()
    assert (hearing.delays.total, hearing.slow_delays.total, hearing.deliveries) == (3, 0, 3)


def test_a_farewell_is_noted():
    ear = ear_at(4)
    ear.hear(chunk('event: bye\ndata: {"reason":"ticket"}\n\n'))
    assert not ear.has_ended
    ear.hear(END)
    assert (ear.farewell, ear.has_ended) == ("ticket", True)


@pytest.mark.parametrize("data", [END, chunk(message(5)) + END])
def test_the_end_is_heard_on_a_connection_that_a_proxy_keeps(data):
    ear = ear_at(4)
    ear.hear(data)
    assert ear.has_ended
    ear.prepare()
    assert not ear.has_ended
