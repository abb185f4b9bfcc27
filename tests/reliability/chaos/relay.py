"""A TCP relay on loopback that hands on what is asked at once, and what is answered late."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Self


class Relay:
    """Listens on a free port while its block lasts.

    Args:
        to: the port of the one that answers.
        delay_s: how much later each piece of an answer arrives.
        context: by which it speaks TLS with who asks; None for plain TCP.
    """

    def __init__(self, to: int, *, delay_s: float = 0, context: ssl.SSLContext | None = None) -> None:
        self._to = to
        self._delay_s = delay_s
        self._context = context
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._meet, args=[near], daemon=True).start()

    def _meet(self, near: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            far = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=self._carry, args=[far, near, self._delay_s], daemon=True).start()
            self._carry(near, far, 0.0)

    def _carry(self, start: socket.socket, end: socket.socket, delay_s: float) -> None:
        with suppress(OSError):
            while piece := start.recv(65536):
                self._ended.wait(delay_s)
                end.sendall(piece)
        for one in (start, end):
            one.close()
