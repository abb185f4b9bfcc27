"""RTMP's plain handshake, the server's side (RTMP 1.0, section 5.2).

Clients with the undocumented digest handshake fall back to the plain one when the server's version field is zero. The content of C2
is not checked, since several encoders don't echo S1.
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
        """Remove the bytes of the handshake from the front of `data`.

        Returns:
            The bytes to send. Once `done` is true, the rest of `data` is chunks.

        Raises:
            HandshakeError: it is not RTMP, or is RTMP's encrypted variant.
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
