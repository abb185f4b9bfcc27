"""Several web processes behind one address of one machine: ``amphi web --workers N``.

Each has a socket of its own on the same address (``SO_REUSEPORT``), among which the kernel spreads connections. The sockets belong to the
parent, so what waits in one is served by the process that takes the place of one that ended.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

AGAIN_S = 1.0
"""How long after its end a process is started again, in seconds."""
BACKLOG = 4096
"""As many as Linux lets wait (`net.core.somaxconn`): after a restart a whole hall comes back before anybody answers. For who finds no room nginx waits in vain, three seconds."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets that listen on one address.

    Raises:
        OSError: the address is taken, or is not this machine's.
    """
    if count > 1:
        # The kernel would let a second platform share the address.
        _open(host, port, shared=False).close()
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_open(host, port, shared=count > 1))
            # All get the port that the first got.
            port = sockets[0].getsockname()[1]
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


def _open(host: str, port: int, *, shared: bool) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def run(sockets: Sequence[socket.socket], serve: Callable[[socket.socket], int]) -> int:
    """Serve each socket in a process of its own until SIGTERM or SIGINT; one that ends by itself is started again.

    Args:
        sockets: from `listen`.
        serve: serves one socket until SIGTERM; gives the process's exit status.

    Returns:
        The exit status: 0, or that of a process that did not stop well.
    """
    family = _Family(sockets, serve)
    for one in _SIGNALS:
        signal.signal(one, family.stop)
    for number in range(len(sockets)):
        family.start(number)
    return family.wait()


class _Family:
    def __init__(self, sockets: Sequence[socket.socket], serve: Callable[[socket.socket], int]) -> None:
        self._sockets = sockets
        self._serve = serve
        self._children: dict[int, int] = {}
        self._stopping = False

    def start(self, number: int) -> None:
        # A signal that came in between would find a child that is not known yet, or one that takes itself for the parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._become(number)
        self._children[pid] = number
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become(self, number: int) -> NoReturn:
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for other, listener in enumerate(self._sockets):
            if other != number:
                listener.close()
        sys.exit(self._serve(self._sockets[number]))

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        # Who comes now is refused at once: in the queue of a socket that nobody serves any more he would wait until the last process has ended.
        for listener in self._sockets:
            listener.close()
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)

    def wait(self) -> int:
        worst = 0
        while self._children:
            pid, status = os.wait()
            number, code = self._children.pop(pid), os.waitstatus_to_exitcode(status)
            if self._stopping:
                # One that had not begun to serve is ended by the signal itself.
                worst = worst or (0 if code == -signal.SIGTERM else abs(code))
                continue
            sys.stderr.write(f"amphi web: process {pid} ended with {code}\n")
            time.sleep(AGAIN_S)
            if not self._stopping:
                self.start(number)
        return worst
