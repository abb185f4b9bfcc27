"""PocketSphinx, in this process: small, English only, and far less exact than the others. For trying out, and for tests.

Source: https://github.com/cmusphinx/pocketsphinx; its English model comes in its package, which is installed where somebody wants it.
"""

import importlib
import importlib.util
from typing import Any

from amphi.captioning.decoding import RATE
from amphi.captioning.engines import Heard
from amphi.captioning.exceptions import EngineError

LANGUAGE = "en"
PACKAGE = "pocketsphinx"


class SphinxRecogniser:
    """A decoder, and an endpointer that tells it where sentences begin and end."""

    def __init__(self, library: Any) -> None:
        self._decoder = library.Decoder(samprate=RATE, loglevel="FATAL")
        self._endpointer = library.Endpointer(sample_rate=RATE)
        self._frame_bytes: int = self._endpointer.frame_bytes
        self._rest = b""
        self._frames = 0

    def hear(self, pcm: bytes) -> list[Heard]:
        """What is known after some more sound."""
        found: list[Heard] = []
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % self._frame_bytes
        for at in range(0, whole, self._frame_bytes):
            self._frames += 1
            found += self._take(sound[at : at + self._frame_bytes])
        self._rest = sound[whole:]
        if self._endpointer.in_speech:
            found += self._said(self._endpointer.speech_start, self._heard_s, is_final=False)
        return found

    def finish(self) -> list[Heard]:
        """The sentence that goes on."""
        if not self._endpointer.in_speech:
            return []
        speech = self._endpointer.end_stream(self._rest)
        if speech:
            self._decoder.process_raw(speech)
        self._decoder.end_utt()
        return self._said(self._endpointer.speech_start, self._heard_s, is_final=True)

    def close(self) -> None:
        """Its memory is freed with it."""

    @property
    def _heard_s(self) -> float:
        return self._frames * self._frame_bytes / (2 * RATE)

    def _take(self, frame: bytes) -> list[Heard]:
        was_in_speech = self._endpointer.in_speech
        speech = self._endpointer.process(frame)
        if speech is None:
            return []
        if not was_in_speech:
            self._decoder.start_utt()
        self._decoder.process_raw(speech)
        if self._endpointer.in_speech:
            return []
        self._decoder.end_utt()
        return self._said(self._endpointer.speech_start, self._endpointer.speech_end, is_final=True)

    def _said(self, start_s: float, end_s: float, *, is_final: bool) -> list[Heard]:
        hypothesis = self._decoder.hyp()
        text = hypothesis.hypstr.strip() if hypothesis is not None else ""
        return [Heard(text, start_s, end_s, is_final=is_final)] if text else []


class SphinxEngine:
    """Recognises English."""

    def open(self, language: str) -> SphinxRecogniser:
        """Load the model: about a second."""
        self.check(language)
        return SphinxRecogniser(importlib.import_module(PACKAGE))

    def check(self, language: str) -> None:
        """See whether the package is there, and the language is the one it knows."""
        if language != LANGUAGE:
            raise EngineError(f"PocketSphinx knows English, not “{language}”")
        if importlib.util.find_spec(PACKAGE) is None:
            raise EngineError("PocketSphinx is not installed: pip install pocketsphinx")
