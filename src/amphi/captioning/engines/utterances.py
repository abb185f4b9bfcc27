"""Finds sentences in sound by the pauses between them, for engines that recognise one at a time."""

import array
import math
import sys
from dataclasses import dataclass

from amphi.captioning.decoding import RATE

FRAME_BYTES = RATE // 50 * 2  # 20 ms
FRAME_S = 0.02
PAUSE_S = 0.5
"""So long a pause ends a sentence."""
SHORTEST_S = 0.3
"""Shorter sounds are no speech: a door, a cough."""
LONGEST_S = 8.0
"""A sentence is cut there, so that captions don't come too late."""
BEFORE_S = 0.2
"""What comes before the first loud frame belongs to the first word."""
QUIETEST = 120.0
"""The loudness (root of the mean square) below which nothing is speech, in a room without any noise."""
ABOVE_NOISE = 3.0
NOISE_FALLS, NOISE_RISES = 0.2, 0.001


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence's sound, and when it begins, in seconds of all the sound."""

    pcm: bytes
    start_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.pcm) / (2 * RATE)


class Utterances:
    """Takes sound in order, and gives whole sentences."""

    def __init__(self) -> None:
        self._rest = b""
        self._frames: list[bytes] = []
        self._frame = 0
        self._loud = 0
        self._quiet = 0
        self._noise = QUIETEST

    def hear(self, pcm: bytes) -> list[Utterance]:
        """The sentences that end in some more sound."""
        found = []
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % FRAME_BYTES
        for at in range(0, whole, FRAME_BYTES):
            utterance = self._take(sound[at : at + FRAME_BYTES])
            if utterance is not None:
                found.append(utterance)
        self._rest = sound[whole:]
        return found

    def finish(self) -> list[Utterance]:
        """The sentence that goes on."""
        utterance = self._end()
        return [] if utterance is None else [utterance]

    def _take(self, frame: bytes) -> Utterance | None:
        self._frame += 1
        self._frames.append(frame)
        if self._is_loud(loudness(frame)):
            self._loud, self._quiet = self._loud + 1, 0
        elif not self._loud:
            # Nobody speaks: only what may belong to the first word is kept.
            del self._frames[: -int(BEFORE_S / FRAME_S)]
            return None
        else:
            self._quiet += 1
        if self._quiet * FRAME_S >= PAUSE_S or len(self._frames) * FRAME_S >= LONGEST_S:
            return self._end()
        return None

    def _is_loud(self, level: float) -> bool:
        """Whether a frame is speech; the room's noise is followed, down fast and up slowly."""
        speed = NOISE_FALLS if level < self._noise else NOISE_RISES
        self._noise += (level - self._noise) * speed
        return level > max(QUIETEST, self._noise * ABOVE_NOISE)

    def _end(self) -> Utterance | None:
        frames, loud = self._frames, self._loud
        self._frames, self._loud, self._quiet = [], 0, 0
        if loud * FRAME_S < SHORTEST_S:
            return None
        return Utterance(b"".join(frames), (self._frame - len(frames)) * FRAME_S)


def loudness(frame: bytes) -> float:
    """The root of the mean square of some 16-bit samples."""
    samples = array.array("h", frame)
    if sys.byteorder == "big":
        samples.byteswap()
    return math.sqrt(sum(one * one for one in samples) / max(1, len(samples)))
