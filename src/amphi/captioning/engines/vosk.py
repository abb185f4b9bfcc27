"""Vosk's WebSocket server.

Source: https://github.com/alphacep/vosk-server, ``websocket/asr_server.py``. The client sends a configuration, then sound; each piece of
sound is answered by one JSON text, either ``{"partial": …}`` or, at the end of a sentence, ``{"text": …, "result": [{"word", "start",
"end", "conf"}, …]}`` with seconds from the first sound on. ``{"eof" : 1}``, written exactly so, is answered by the last sentence.
"""

import json
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from amphi.captioning.decoding import RATE
from amphi.captioning.engines import Heard
from amphi.captioning.exceptions import EngineError

OPEN_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
"""A server that is busier than that can't keep up."""
LARGEST_ANSWER_BYTES = 256 * 1024
END = '{"eof" : 1}'


class VoskRecogniser:
    """A connection to the server."""

    def __init__(self, url: str) -> None:
        self._open = ExitStack()
        try:
            self._socket = self._open.enter_context(
                connect(
                    url,
                    open_timeout=OPEN_TIMEOUT_S,
                    close_timeout=1,
                    max_size=LARGEST_ANSWER_BYTES,
                    compression=None,
                    proxy=None,
                )
            )
            self._socket.send(json.dumps({"config": {"sample_rate": RATE, "words": True}}))
        except (OSError, WebSocketException, ValueError) as error:
            self._open.close()
            raise EngineError(f"the Vosk server can't be reached: {_said(error)}") from error
        self._heard_s = 0.0
        self._began_s: float | None = None

    def hear(self, pcm: bytes) -> list[Heard]:
        """One answer for each piece of sound."""
        before_s = self._heard_s
        self._heard_s += len(pcm) / (2 * RATE)
        return self._heard(self._ask(pcm), before_s)

    def finish(self) -> list[Heard]:
        """The last sentence."""
        return self._heard(self._ask(END), self._heard_s)

    def close(self) -> None:
        """Close the connection."""
        self._open.close()

    def _ask(self, message: bytes | str) -> dict[str, Any]:
        try:
            self._socket.send(message)
            answer = json.loads(self._socket.recv(timeout=ANSWER_TIMEOUT_S))
        except TimeoutError as error:
            raise EngineError(f"the Vosk server does not answer within {ANSWER_TIMEOUT_S:g} s") from error
        except (OSError, WebSocketException) as error:
            raise EngineError(f"the Vosk server broke off: {_said(error)}") from error
        except (ValueError, RecursionError) as error:
            raise EngineError("what answers is no Vosk server: it sent no JSON") from error
        if not isinstance(answer, dict):
            raise EngineError("what answers is no Vosk server: it sent no object")
        return answer

    def _heard(self, answer: dict[str, Any], before_s: float) -> list[Heard]:
        partial, text = answer.get("partial"), answer.get("text")
        if isinstance(partial, str) and partial.strip():
            if self._began_s is None:
                self._began_s = before_s
            return [Heard(partial, self._began_s, self._heard_s, is_final=False)]
        if not isinstance(text, str) or not text.strip():
            return []
        began_s, self._began_s = self._began_s, None
        start_s, end_s = _span(answer.get("result"))
        return [
            Heard(
                text,
                start_s if start_s is not None else (before_s if began_s is None else began_s),
                end_s if end_s is not None else self._heard_s,
                is_final=True,
            )
        ]


class VoskEngine:
    """A server for each language.

    Args:
        urls: by language, as ``ws://127.0.0.1:2700``; the empty language stands for all others.
    """

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls

    def open(self, language: str) -> VoskRecogniser:
        """Connect to the language's server."""
        url = self._urls.get(language) or self._urls.get("", "")
        if not url:
            raise EngineError(f"no Vosk server is set for “{language}”")
        return VoskRecogniser(url)

    def check(self, language: str) -> None:
        """Have it hear a fifth of a second of silence."""
        recogniser = self.open(language)
        try:
            recogniser.hear(bytes(RATE * 2 // 5))
        finally:
            recogniser.close()


def _span(words: object) -> tuple[float | None, float | None]:
    """When the first word begins and the last one ends; None where the server does not say."""
    if not isinstance(words, list) or not words:
        return None, None
    first, last = words[0], words[-1]
    start = first.get("start") if isinstance(first, dict) else None
    end = last.get("end") if isinstance(last, dict) else None
    return (
        float(start) if isinstance(start, int | float) else None,
        float(end) if isinstance(end, int | float) else None,
    )


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
