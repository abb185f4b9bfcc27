"""From sound to captions: what is told when, and what becomes of it when an engine fails. No sound is fetched here."""

import math
import struct
import time
from datetime import UTC, datetime

import pytest

from amphi.captioning import session as sessions
from amphi.captioning.decoding import BLOCK_S, RATE, Block, Waiting
from amphi.captioning.engines import Heard
from amphi.captioning.engines.utterances import Utterances
from amphi.captioning.exceptions import EngineError
from amphi.captioning.session import Session

AT = 1795701600.0


class Engine:
    """Hears what a test says, or fails."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed = 0
        self.answers: list[list[Heard]] = []
        self.last: list[Heard] = []
        self.fails = False

    def open(self, language: str) -> "Engine":
        if self.fails:
            raise EngineError("nobody there")
        self.opened.append(language)
        return self

    def check(self, language: str) -> None: ...

    def hear(self, pcm: bytes) -> list[Heard]:
        if self.fails:
            raise EngineError("it broke off")
        return self.answers.pop(0) if self.answers else []

    def finish(self) -> list[Heard]:
        return self.last

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def told() -> list[sessions.Sentence]:
    return []


@pytest.fixture
def session(engine, told) -> Session:
    return Session("event 1", "fr", address=str, engine=engine, keep=told.append)


def hear(session: Session, number: int = 0, *, is_new: bool = False) -> None:
    session._hear(Block(b"", AT + number * BLOCK_S, is_new))


def test_sentence_grows_under_one_name_with_the_time_of_its_words(session, engine, told, monkeypatch):
    monkeypatch.setattr(sessions, "GROWS_EVERY_S", 0)
    engine.answers = [
        [Heard("un", 1.0, 1.2, is_final=False)],
        [Heard("un deux", 0.9, 2.0, is_final=True), Heard("trois", 2.5, 2.7, is_final=False)],
    ]
    hear(session, is_new=True)
    hear(session, 1)
    assert [(one.text, one.is_final) for one in told] == [("un", False), ("un deux", True), ("trois", False)]
    assert told[0].name == told[1].name != told[2].name
    assert told[1].at == datetime.fromtimestamp(AT + 0.9, UTC)
    assert told[1].until == datetime.fromtimestamp(AT + 2.0, UTC)
    assert engine.opened == ["fr"]


def test_sentence_that_grows_is_told_once_a_second(session, engine, told):
    engine.answers = [[Heard("un", 0, 1, is_final=False)]] * 3 + [[Heard("un deux", 0, 1, is_final=True)]]
    for number in range(4):
        hear(session, number)
    assert [one.text for one in told] == ["un", "un deux"]


def test_what_was_open_is_told_where_the_sound_breaks_off(session, engine, told):
    hear(session, is_new=True)
    engine.last = [Heard("fin", 0, 1, is_final=True)]
    engine.answers = [[Heard("neuf", 0.5, 1, is_final=True)]]
    hear(session, 100, is_new=True)
    assert [one.text for one in told] == ["fin", "neuf"]
    # The new one counts from where it begins.
    assert told[1].at == datetime.fromtimestamp(AT + 100 * BLOCK_S + 0.5, UTC)
    assert (engine.opened, engine.closed) == (["fr", "fr"], 1)


def test_engine_that_fails_is_asked_again_later_and_sound_is_left_out(session, engine, told, caplog):
    engine.fails = True
    for number in range(50):
        session._waiting.put(Block(b"", AT + number * BLOCK_S, is_new=False))
    hear(session)
    assert session._waiting.get(0) is None
    hear(session, 1)
    # Not asked again yet; once it is, it works.
    assert caplog.text.count("nobody there") == 1
    engine.fails = False
    hear(session, 2)
    assert engine.opened == []
    session._retry_at = time.monotonic()
    engine.answers = [[Heard("un", 0, 1, is_final=True)]]
    hear(session, 3)
    assert [one.at for one in told] == [datetime.fromtimestamp(AT + 3 * BLOCK_S, UTC)]
    engine.fails = True
    hear(session, 4)
    assert engine.closed == 1


def test_pauses_grow_and_the_same_failure_is_logged_once(caplog):
    pauses = sessions.Pauses("captions")
    assert [pauses.failed(EngineError("a")) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    pauses.worked()
    assert pauses.failed(EngineError("a")) == 1
    assert caplog.text.count("captions: a") == 2


def test_sound_that_waits_is_bounded_and_the_oldest_is_left_out():
    waiting = Waiting(longest_s=2 * BLOCK_S)
    for number in range(4):
        waiting.put(Block(b"", float(number), is_new=False))
    first, second = waiting.get(0), waiting.get(0)
    # What came before it is missing: an engine begins anew.
    assert (first.at, first.is_new, second.at, second.is_new) == (2.0, True, 3.0, False)
    assert waiting.left_out_s == pytest.approx(2 * BLOCK_S)
    assert waiting.get(0.01) is None


def tone(seconds: float, level: int) -> bytes:
    samples = (round(level * math.sin(number * 0.3)) for number in range(int(seconds * RATE)))
    return b"".join(struct.pack("<h", one) for one in samples)


@pytest.mark.parametrize(
    ("sound", "wanted"),
    [
        ([(1.0, 40), (1.5, 4000), (1.0, 40), (1.0, 4000), (0.7, 40)], [(0.8, 3.0), (3.3, 5.0)]),
        # A door.
        ([(1.0, 40), (0.1, 9000), (2.0, 40)], []),
        # Nobody pauses: cut after eight seconds.
        ([(0.9, 4000), (0.1, 40)] * 10, [(0.0, 8.0), (8.0, 10.0)]),
        ([(3.0, 40)], []),
        # A ventilator that goes on and on is no speech.
        ([(60.0, 300), (1.0, 4000), (1.0, 300)], [(59.8, 61.5)]),
    ],
)
def test_sentences_are_found_by_their_pauses(sound, wanted):
    utterances, pcm = Utterances(), b"".join(tone(seconds, level) for seconds, level in sound)
    # In pieces that are no whole frames.
    found = [one for at in range(0, len(pcm), 6402) for one in utterances.hear(pcm[at : at + 6402])]
    spans = [(one.start_s, one.end_s) for one in [*found, *utterances.finish()]]
    assert spans == [pytest.approx(span, abs=0.05) for span in wanted]
