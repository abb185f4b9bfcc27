"""One live and its captions: one thread fetches and decodes its sound, another has the engine recognise it.

Between the two waits half a minute of sound at most, so an engine that is slow, wrong or dead costs captions and nothing else.
"""

import contextlib
import logging
import secrets
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from amphi.audience.captions.cues import LONGEST_TEXT
from amphi.audience.captions.taking import Sentence
from amphi.captioning.decoding import Block, Decoder, Waiting
from amphi.captioning.engines import Engine, Heard, Recogniser
from amphi.captioning.exceptions import EngineError, SoundError
from amphi.captioning.listening import Listener

log = logging.getLogger(__name__)

GROWS_EVERY_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
WAIT_S = 0.5
JOIN_S = 15.0
MEASURED = 10_000


class Pauses:
    """How long to wait after a failure: longer each time, until it works again. The same failure is logged once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._pause_s = FIRST_PAUSE_S
        self._said = ""

    def failed(self, error: Exception) -> float:
        """Log a failure; returns the pause in seconds."""
        if str(error) != self._said:
            self._said = str(error)
            log.warning("%s: %s; trying again until it works", self._what, error)
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause_s

    def worked(self) -> None:
        """It works."""
        if self._said:
            log.info("%s: it works again", self._what)
        self._pause_s, self._said = FIRST_PAUSE_S, ""


class Session:
    """The captions of one live.

    Args:
        name: what the log calls it.
        language: what is spoken.
        address: gives the address of its playlist.
        engine: what recognises.
        keep: takes what was said.
    """

    def __init__(
        self,
        name: str,
        language: str,
        *,
        address: Callable[[], str],
        engine: Engine,
        keep: Callable[[Sentence], None],
    ) -> None:
        self._name = name
        self._language = language
        self._address = address
        self._engine = engine
        self._keep = keep
        self._stopping = threading.Event()
        self._waiting = Waiting()
        self._sound = Pauses(f"captions of {name}: sound")
        self._engines = Pauses(f"captions of {name}: engine")
        self._recogniser: Recogniser | None = None
        self._retry_at = 0.0
        self._began_at = 0.0
        self._sentence = ""
        self._grew_at = 0.0
        self.delays_s: list[float] = []

    def run(self, until: Callable[[], bool]) -> None:
        """Write captions until `until` says that it is enough."""
        feeder = threading.Thread(target=self._feed, name="captions-sound", daemon=True)
        feeder.start()
        log.info("captions of %s: begin (%s)", self._name, self._language)
        try:
            while not until():
                block = self._waiting.get(WAIT_S)
                if block is not None:
                    self._hear(block)
        finally:
            self._stopping.set()
            self._close()
            feeder.join(JOIN_S)
            log.info("captions of %s: end; %s", self._name, self._measured())

    # --- the sound, in a thread of its own

    def _feed(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except SoundError as error:
                self._stopping.wait(self._sound.failed(error))
            else:
                # The live is interrupted, or over: others say which.
                self._stopping.wait(FIRST_PAUSE_S)

    def _follow(self) -> None:
        decoder: Decoder | None = None
        with contextlib.ExitStack() as open_ones:
            for media in Listener(self._address, self._stopping).media():
                if decoder is None or media.is_new:
                    open_ones.close()
                    decoder = Decoder(media.at, self._waiting)
                    open_ones.callback(decoder.close)
                decoder.feed(media.data)
                self._sound.worked()

    # --- what is said

    def _hear(self, block: Block) -> None:
        if self._recogniser is None and time.monotonic() < self._retry_at:
            # Nobody hears it: what is said then has no captions.
            self._waiting.clear()
            return
        try:
            if block.is_new and self._recogniser is not None:
                self._tell(self._recogniser.finish())
                self._close()
            if self._recogniser is None:
                self._recogniser, self._began_at = self._engine.open(self._language), block.at
            self._tell(self._recogniser.hear(block.pcm))
        except EngineError as error:
            self._close()
            self._waiting.clear()
            self._retry_at = time.monotonic() + self._engines.failed(error)
        else:
            self._engines.worked()

    def _close(self) -> None:
        if self._recogniser is not None:
            self._recogniser.close()
        self._recogniser, self._sentence = None, ""

    def _tell(self, heard: list[Heard]) -> None:
        for one in heard:
            now = time.monotonic()
            if not one.is_final and now - self._grew_at < GROWS_EVERY_S:
                continue
            self._grew_at = now
            self._sentence = self._sentence or secrets.token_hex(8)
            self._keep(self._said(one))
            if one.is_final:
                self._sentence = ""
                if len(self.delays_s) < MEASURED:
                    self.delays_s.append(time.time() - self._began_at - one.end_s)

    def _said(self, heard: Heard) -> Sentence:
        at, until = (
            datetime.fromtimestamp(self._began_at + second, UTC) for second in (heard.start_s, heard.end_s)
        )
        return Sentence(
            heard.text[:LONGEST_TEXT], name=self._sentence, at=at, until=until, is_final=heard.is_final
        )

    def _measured(self) -> str:
        if not self.delays_s:
            return "nothing was said"
        delays = sorted(self.delays_s)
        late = delays[int(0.95 * (len(delays) - 1))]
        left_out = f", {self._waiting.left_out_s:.0f} s of sound left out" if self._waiting.left_out_s else ""
        return (
            f"{len(delays)} sentences, known {statistics.median(delays):.1f} s after their last word"
            f" (95 % within {late:.1f} s){left_out}"
        )
