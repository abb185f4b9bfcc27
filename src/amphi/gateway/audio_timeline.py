"""Makes continuous sound: gaps from the browser become silence, overlaps are cut."""

from amphi.gateway.packets import FRAME_BYTES

TOLERANCE_US = 40_000
LATENESS_US = 250_000
"""How far the sound may lag behind the picture before silence replaces it, in µs. RTMP players wait for both."""


class AudioTimeline:
    """Places sound on a continuous time line of samples.

    Args:
        start_us: the time of the first sample.
        rate: samples per second.
    """

    def __init__(self, start_us: int, *, rate: int) -> None:
        self._rate = rate
        self._start_us = start_us
        self._samples = 0

    @property
    def end_us(self) -> int:
        """The end of the sound placed so far, in µs."""
        return self._start_us + self._samples * 1_000_000 // self._rate

    def add(self, pts_us: int, data: bytes) -> bytes:
        """Place a packet. Returns the samples that continue the time line: none, or with silence before them."""
        gap_us = pts_us - self.end_us
        if gap_us > TOLERANCE_US:
            data = self._silence(gap_us) + data
        elif gap_us < -TOLERANCE_US:
            data = data[self._samples_in(-gap_us) * FRAME_BYTES :]
        self._samples += len(data) // FRAME_BYTES
        return data

    def fill_until(self, video_us: int) -> bytes:
        """Silence for sound that is missing although a picture of the time `video_us` has come; usually empty."""
        gap_us = video_us - LATENESS_US - self.end_us
        if gap_us <= 0:
            return b""
        data = self._silence(gap_us)
        self._samples += len(data) // FRAME_BYTES
        return data

    def _silence(self, duration_us: int) -> bytes:
        return bytes(self._samples_in(duration_us) * FRAME_BYTES)

    def _samples_in(self, duration_us: int) -> int:
        return duration_us * self._rate // 1_000_000
