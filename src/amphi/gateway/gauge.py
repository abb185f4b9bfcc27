"""Measures what a source sends: whether pictures come, change and are black, and whether anything is heard."""

from amphi.gateway.meeting_page import Observation
from amphi.gateway.packets import HEIGHT, WIDTH, AudioPacket, Packet, VideoPacket
from amphi.gateway.watchdog import Sight

MOMENT_S = 2.0
"""What has not come for this long is missing. Still pictures come several times a second."""
LUMA_BYTES = WIDTH * HEIGHT
LOOKED_AT = 4_001
"""Each so many-th byte of the luma is looked at: 230 places all over the picture, in no column of their own."""
BLACK = 24
"""Luma of 16 is black."""
HEARD_FROM = 40
"""Of 32,767: -58 dB. Rooms where people speak are louder, even between the words."""
HEARD_EVERY = 25


class Gauge:
    """Takes note of packets."""

    def __init__(self, now_s: float) -> None:
        self.begin(now_s)

    def begin(self, now_s: float) -> None:
        """A source begins to send."""
        self._picture: bytes | None = None
        self._is_black = False
        self._picture_at = self._fresh_at = self._heard_at = now_s

    def note(self, packet: Packet, now_s: float) -> None:
        if isinstance(packet, AudioPacket):
            if is_heard(packet.data):
                self._heard_at = now_s
        elif isinstance(packet, VideoPacket):
            self._picture_at = now_s
            # A picture that is sent again is the same object.
            if packet.data is not self._picture:
                self._picture, self._fresh_at = packet.data, now_s
                self._is_black = is_black(packet.data)

    def sight(self, seen: Observation, now_s: float) -> Sight:
        """What there is to judge at this moment."""
        return Sight(
            moves=seen.moves,
            speaks=seen.speaks,
            covered=seen.covered,
            pictureless=now_s - self._picture_at > MOMENT_S,
            fresh=now_s - self._fresh_at <= MOMENT_S,
            black=self._is_black,
            silent=now_s - self._heard_at > MOMENT_S,
        )


def is_black(picture: bytes) -> bool:
    """Whether a raw picture is black wherever it is looked at."""
    return max(picture[:LUMA_BYTES:LOOKED_AT]) <= BLACK


def is_heard(sound: bytes) -> bool:
    """Whether anything is heard in signed 16-bit samples, little-endian."""
    samples = memoryview(sound).cast("h")[::HEARD_EVERY]
    return len(samples) > 0 and max(*samples, -min(samples)) >= HEARD_FROM
