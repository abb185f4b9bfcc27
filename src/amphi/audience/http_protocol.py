"""Writes to event streams past uvicorn's queues: the same chunk to thousands, several times a second."""

from amphi.audience.stream import WRITE
from amphi.system.http_heads import BoundedHTTPProtocol


class StreamHTTPProtocol(BoundedHTTPProtocol):
    """Offers the application `WRITE`, an extension of ASGI, beside ``send``."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {WRITE: self.write_chunk}  # type: ignore[dict-item]  # asgiref knows objects alone

    def write_chunk(self, chunk: bytes) -> bool:
        """Write a chunk of the answer that runs, when its task writes nothing.

        Returns:
            False when the client is gone, or takes nothing now.
        """
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True
