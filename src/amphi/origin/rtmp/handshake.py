"""RTMP's plain handshake, the server's side (RTMP 1.0, section 5.2).

Clients that know the undocumented digest form fall back to the plain one when the server's version field is zero. What C2
holds is not checked: several encoders don't echo S1.
"""

import secrets

from amphi.origin.exceptions import HandshakeError

VERSION = 3
PACKET_BYTES = 1536
ENCRYPTED_VERSIONS = {6, 8, 9}


class Handshake:
    """Consumes C0, C1 and C2; answers S0, S1 and S2."""

    def __init__(self) -> None:
        self.done = False
        self._answered = False

    def receive(self, data: bytearray) -> bytes:
        """Take what belongs to the handshake off the front of `data`.

        Returns:
            What is to be sent; `done` tells whether the rest of `data` is chunks.

        Raises:
            HandshakeError: not RTMP, or its encrypted variant.
        """
        answer = b""
        if not self._answered and data:
            self._check_version(data[0])
            if len(data) > PACKET_BYTES:
                c1 = bytes(data[1 : 1 + PACKET_BYTES])
                del data[: 1 + PACKET_BYTES]
                self._answered = True
                answer = bytes([VERSION]) + bytes(8) + secrets.token_bytes(PACKET_BYTES - 8) + c1
        if self._answered and not self.done and len(data) >= PACKET_BYTES:
            del data[:PACKET_BYTES]
            self.done = True
        return answer

    @staticmethod
    def _check_version(version: int) -> None:
        if version in ENCRYPTED_VERSIONS:
            raise HandshakeError("the client wants encrypted RTMP (RTMPE), which is not offered")
        if version != VERSION:
            raise HandshakeError(f"not RTMP: the first byte is 0x{version:02x}")
