"""Engines: what recognises speech. One interface for all; each is a module here, and none knows lives or captions."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard.

    Attributes:
        text: the sentence so far.
        start_s: when it began, in seconds of the sound that the recogniser was given.
        end_s: until when it goes.
        is_final: False while the sentence may still grow or change.
    """

    text: str
    start_s: float
    end_s: float
    is_final: bool


class Recogniser(Protocol):
    """One stream of sound: `decoding.RATE` samples a second, of 16 bits, one channel. Every method may raise `EngineError`."""

    def hear(self, pcm: bytes) -> list[Heard]:
        """What is known after some more sound."""

    def finish(self) -> list[Heard]:
        """What was still open: no more sound comes."""

    def close(self) -> None:
        """Free what it holds; may be called at any time, and raises nothing."""


class Engine(Protocol):
    """Makes recognisers."""

    def open(self, language: str) -> Recogniser:
        """A recogniser of `language` (BCP 47). Raises `EngineError` where that can't be."""

    def check(self, language: str) -> None:
        """See whether one could be opened now, within seconds. Raises `EngineError` where not."""
