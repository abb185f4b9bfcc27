"""A way to the web server on which a connection may fall silent: neither end hears of it, as when a laptop slept or a phone changed networks."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

PIECE_BYTES = 65536
PATIENCE_S = 60.0


class Way:
    """Passes on what comes, both ways, until a connection is silenced."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._silent: set[socket.socket] = set()
        self._asked: dict[socket.socket, bytes] = {}
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [browser, server]
                for source, target in ((browser, server), (server, browser)):
                    threading.Thread(target=self._pass, args=(source, target, browser), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, browser: socket.socket) -> None:
        with contextlib.suppress(OSError):
            try:
                while piece := source.recv(PIECE_BYTES):
                    if source is browser:
                        self._asked[browser] = piece
                    if browser not in self._silent:
                        target.sendall(piece)
            finally:
                # A connection may also end by a reset: a browser that has not read all leaves like that.
                if source is browser:
                    self._asked.pop(browser, None)
            if browser not in self._silent:
                target.shutdown(socket.SHUT_WR)

    def wait_for(self, asked: bytes, number: int) -> None:
        """Wait until so many connections are open that last asked for an address with `asked` in it, and are not silent."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := len(self._found(asked))) != number:
            assert time.monotonic() < deadline, f"{found} connections, not {number}"
            time.sleep(0.05)

    def silence(self, asked: bytes) -> int:
        """Silence those; how many there were."""
        found = self._found(asked)
        self._silent.update(found)
        return len(found)

    def _found(self, asked: bytes) -> list[socket.socket]:
        return [one for one, last in list(self._asked.items()) if asked in last and one not in self._silent]

    def close(self) -> None:
        for one in [self._listener, *self._open]:
            one.close()


@contextlib.contextmanager
def way_to(port: int) -> Iterator[Way]:
    """A way to a port of this machine, until the block is left."""
    way = Way(port)
    try:
        yield way
    finally:
        way.close()
