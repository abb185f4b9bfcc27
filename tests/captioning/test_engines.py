"""Engines over real sockets, against stand-ins that answer as the servers' sources say."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.parser import BytesParser

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websocket

from amphi.captioning.decoding import RATE
from amphi.captioning.engines import Heard, vosk, whisper
from amphi.captioning.engines.sphinx import SphinxEngine
from amphi.captioning.engines.vosk import VoskEngine
from amphi.captioning.engines.whisper import WhisperEngine
from amphi.captioning.exceptions import EngineError
from tests import wire

pytestmark = pytest.mark.integration
SECOND = bytes(RATE * 2)


# --- Vosk


class VoskServer:
    """Answers as alphacep/vosk-server's ``websocket/asr_server.py``: a configuration by nothing, each sound by one JSON text.

    What it “recognises” is how much it was sent: a word a second, a sentence every three.
    """

    def __init__(self) -> None:
        self.configured: list[dict] = []

    def __call__(self, connection: ServerConnection) -> None:
        seconds = 0.0
        rate = 8000
        for message in connection:
            if isinstance(message, str) and "config" in message:
                self.configured.append(json.loads(message)["config"])
                rate = self.configured[-1]["sample_rate"]
            elif message == '{"eof" : 1}':
                connection.send(json.dumps({"text": "fin"}))
                return
            else:
                seconds += len(message) / 2 / rate
                connection.send(json.dumps(self._said(seconds)))

    @staticmethod
    def _said(seconds: float) -> dict:
        words = ["un", "deux", "trois"][: int(seconds) % 3 or 3]
        if seconds < 1:
            return {"partial": ""}
        if int(seconds) % 3:
            return {"partial": " ".join(words)}
        spans = [
            {"word": word, "start": seconds - 2.5 + at, "end": seconds - 2 + at, "conf": 1.0}
            for at, word in enumerate(words)
        ]
        return {"result": spans, "text": " ".join(words)}


@contextmanager
def listening(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve_websocket(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_vosk_hears_sentences_with_the_times_of_their_words():
    server = VoskServer()
    with listening(server) as url:
        recogniser = VoskEngine({"fr": url}).open("fr")
        heard = [one for _ in range(4) for one in recogniser.hear(SECOND)]
        assert heard == [
            Heard("un", 0, 1, is_final=False),
            Heard("un deux", 0, 2, is_final=False),
            Heard("un deux trois", 0.5, 3, is_final=True),
            # The next sentence counts on.
            Heard("un", 3, 4, is_final=False),
        ]
        assert recogniser.finish() == [Heard("fin", 3, 4, is_final=True)]
        recogniser.close()
        VoskEngine({"": url}).check("de")
    assert server.configured[0] == {"sample_rate": RATE, "words": True}


@pytest.mark.parametrize(
    ("answer", "said"),
    [("<html>", "no JSON"), ("[1]", "no object"), ("x" * 300_000, "broke off"), (None, "broke off")],
)
def test_vosk_that_answers_nonsense_is_told(answer, said):
    def handler(connection: ServerConnection) -> None:
        for message in connection:
            if isinstance(message, bytes):
                if answer is None:
                    return
                connection.send(answer)

    with listening(handler) as url:
        recogniser = VoskEngine({"": url}).open("fr")
        with pytest.raises(EngineError, match=said):
            recogniser.hear(SECOND)
        recogniser.close()


def test_vosk_that_is_slow_or_not_there_is_given_up(monkeypatch, free_port):
    monkeypatch.setattr(vosk, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(vosk, "OPEN_TIMEOUT_S", 1)
    closed = threading.Event()

    def handler(connection: ServerConnection) -> None:
        try:
            for _message in connection:
                pass
        except ConnectionClosed:
            pass
        closed.set()

    with listening(handler) as url:
        recogniser = VoskEngine({"": url}).open("fr")
        with pytest.raises(EngineError, match=r"within 0\.2 s"):
            recogniser.hear(SECOND)
        recogniser.close()
        assert closed.wait(5)
    for urls in ({"": f"ws://127.0.0.1:{free_port}"}, {"en": "ws://127.0.0.1:1"}, {"": "ws://"}):
        with pytest.raises(EngineError):
            VoskEngine(urls).open("fr")


# --- Whisper


def loud(seconds: float) -> bytes:
    return (b"\x00\x20\x00\xe0" * RATE)[: int(seconds * RATE) * 2]


def test_whisper_is_asked_sentence_by_sentence(serve):
    asked: list[dict[str, object]] = []

    def answer(request):
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + request.body).get_payload()
        asked.append(
            {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                for part in parts
            }
        )
        asked[-1]["key"] = request.headers.get("authorization")
        return wire.answer({"text": " Bonjour. "})

    server = serve(answer)
    recogniser = WhisperEngine(server.url, model="small", key="secret").open("fr")
    heard = [one for sound in (SECOND, loud(1), SECOND, loud(1)) for one in recogniser.hear(sound)]
    assert [(one.text, one.is_final) for one in heard] == [("Bonjour.", True)]
    assert heard[0].start_s == pytest.approx(0.8, abs=0.1)
    assert [one.text for one in recogniser.finish()] == ["Bonjour."]
    sent = asked[0]
    assert (sent["model"], sent["language"], sent["response_format"]) == (b"small", b"fr", b"json")
    assert (sent["key"], sent["file"][:4], len(sent["file"]) > RATE * 2) == ("Bearer secret", b"RIFF", True)
    WhisperEngine(server.url, model="small").check("fr")


@pytest.mark.parametrize(
    ("status", "body"), [("500 Oh", "{}"), ("200 OK", "<html>"), ("200 OK", "[]"), ("200 OK", '{"text": 1}')]
)
def test_whisper_that_answers_nonsense_is_told(serve, status, body):
    server = serve(lambda _request: wire.answer(body, status))
    with pytest.raises(EngineError):
        WhisperEngine(server.url, model="small").recognise(SECOND, "fr")


def test_whisper_that_is_not_there_is_told(free_port):
    with pytest.raises(EngineError):
        WhisperEngine(f"http://127.0.0.1:{free_port}", model="small").check("fr")
    assert whisper.ANSWER_TIMEOUT_S < 30


# --- PocketSphinx: test_whole.py has it recognise


def test_pocketsphinx_knows_english_alone():
    SphinxEngine().check("en")
    with pytest.raises(EngineError, match="English"):
        SphinxEngine().open("fr")
