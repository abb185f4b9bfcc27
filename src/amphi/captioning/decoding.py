"""Decodes the sound of a live with ffmpeg: media in, blocks of PCM out, each with the time at which it was live."""

import subprocess
import threading
from collections import deque
from dataclasses import dataclass
from typing import IO

from amphi.captioning.exceptions import SoundError

RATE = 16_000
"""Samples a second, of 16 bits, one channel: what recognisers are trained with."""
BLOCK_S = 0.2
BLOCK_BYTES = int(RATE * BLOCK_S) * 2
LONGEST_WAIT_S = 30
"""So much sound waits for an engine; what is older is left out."""
_COMMAND = (
    "ffmpeg", "-nostdin", "-v", "error", "-probesize", "32768", "-analyzeduration", "0", "-i", "pipe:0",
    "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-flush_packets", "1", "pipe:1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Some sound.

    Attributes:
        pcm: `BLOCK_BYTES` or less, of 16-bit samples.
        at: when it was live, in seconds since the Unix epoch.
        is_new: what came before it does not go on in it.
    """

    pcm: bytes
    at: float
    is_new: bool


class Waiting:
    """Sound that waits for an engine, bounded: the oldest goes first."""

    def __init__(self, longest_s: float = LONGEST_WAIT_S) -> None:
        self._blocks: deque[Block] = deque()
        self._most = max(1, int(longest_s / BLOCK_S))
        self._changed = threading.Condition()
        self._is_broken = False
        self.left_out_s = 0.0

    def put(self, block: Block) -> None:
        with self._changed:
            self._blocks.append(block)
            if len(self._blocks) > self._most:
                self._blocks.popleft()
                self._is_broken = True
                self.left_out_s += BLOCK_S
            self._changed.notify()

    def get(self, timeout_s: float) -> Block | None:
        """The oldest block; None when none comes in time."""
        with self._changed:
            if not self._blocks:
                self._changed.wait(timeout_s)
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            if self._is_broken:
                block = Block(block.pcm, block.at, is_new=True)
                self._is_broken = False
            return block

    def clear(self) -> None:
        """Leave out what waits, as when nobody can hear it."""
        with self._changed:
            self.left_out_s += BLOCK_S * len(self._blocks)
            self._is_broken = self._is_broken or bool(self._blocks)
            self._blocks.clear()


class Decoder:
    """One run of ffmpeg over media that go on.

    Args:
        at: when the first of it was live.
        waiting: where the sound goes.
    """

    def __init__(self, at: float, waiting: Waiting) -> None:
        self._at = at
        self._waiting = waiting
        try:
            self._process = subprocess.Popen(
                ["nice", "-n", "10", *_COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise SoundError(f"ffmpeg can't be started: {error}") from error
        self._reader = threading.Thread(target=self._read, name="captions-decoder", daemon=True)
        self._reader.start()

    def feed(self, data: bytes) -> None:
        """Decode more. Raises `SoundError` when ffmpeg has ended."""
        try:
            _pipe(self._process.stdin).write(data)
            _pipe(self._process.stdin).flush()
        except OSError as error:
            raise SoundError("ffmpeg can't decode this sound") from error

    def close(self) -> None:
        """End ffmpeg; what it has decoded is kept."""
        try:
            _pipe(self._process.stdin).close()
            self._process.wait(2)
        except OSError:
            self._process.kill()
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        _pipe(self._process.stdout).close()

    def _read(self) -> None:
        output, done, is_new = _pipe(self._process.stdout), 0, True
        while pcm := output.read(BLOCK_BYTES):
            self._waiting.put(Block(pcm, self._at + done / (2 * RATE), is_new))
            done, is_new = done + len(pcm), False


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 -- asked for when the process was started
    return pipe
