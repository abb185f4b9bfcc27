"""Loopback ports that are a test's alone.

Finding a port free and listening on it later is a gamble: in between the system may give it to anybody who asks for any port.
So tests take ports below the range that the system gives from. Each taken port is held by a socket with its name in Linux's
abstract namespace, until this process ends; tests that run in other processes see the name and go on to the next port.
"""

import socket
import threading
from itertools import count

_FIRST = 20_000
_BEYOND = 32_000
"""Linux gives ports from 32768 on (``net.ipv4.ip_local_port_range``)."""
_next = count(_FIRST)
_lock = threading.Lock()
"""Two threads that count on at the same time would both leave gaps in the other's row."""


def _take(port: int) -> socket.socket | None:
    """The socket that holds `port`; None when another process holds it, or listens on it."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0amphi-tests-port-{port}")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
    except OSError:
        name.close()
        return None
    return name


def reserve() -> int:
    """A loopback port that nobody listens on, and that nobody else is given."""
    return reserve_in_a_row(1)


def reserve_in_a_row(length: int) -> int:
    """The first of `length` such ports, one after the other."""
    with _lock:
        return _row(length)


def _row(length: int) -> int:
    row: list[socket.socket] = []
    for port in _next:
        if port >= _BEYOND:
            break
        taken = _take(port)
        if taken is None:
            for one in row:
                one.close()
            row = []
            continue
        row.append(taken)
        if len(row) == length:
            for one in row:
                one.detach()  # open until this process ends
            return port - length + 1
    raise RuntimeError(f"no {length} free ports in a row from {_FIRST} to {_BEYOND}")
