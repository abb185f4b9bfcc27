"""Clients that hold connections of nginx and do little with them, as slowloris and its kin do."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.contract.edge import Edge

DRIPS = b"X: y\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
"""What a client of HTTP/2 begins with, and empty settings (RFC 9113, 3.4)."""


@dataclass
class Slow:
    """Connections of one kind.

    Attributes:
        name: the kind, in words.
        begins: what each sends first.
        drips: what it sends now and then; empty: nothing.
    """

    name: str
    begins: bytes
    drips: bytes
    open_one: Callable[[], socket.socket]
    connections: list[socket.socket] = field(default_factory=list)
    cut: int = 0

    def fill(self, count: int) -> None:
        """Open so many that as many as `count` are open."""
        while len(self.connections) < count:
            one = self.open_one()
            with contextlib.suppress(OSError):
                one.sendall(self.begins)
            one.setblocking(False)
            self.connections.append(one)

    def drip(self) -> None:
        """Send a little on each, and drop those that were cut off."""
        for one in list(self.connections):
            try:
                if self.drips:
                    one.send(self.drips)
                if not one.recv(4096):
                    self._drop(one)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                self._drop(one)

    def _drop(self, one: socket.socket) -> None:
        self.cut += 1
        self.connections.remove(one)
        one.close()

    def close(self) -> None:
        """Close what is open."""
        for one in self.connections:
            one.close()


def kinds(edge: Edge) -> list[Slow]:
    """One of each kind."""
    secret, plain = (int(url.rpartition(":")[2]) for url in (edge.url, edge.plain))
    trust = edge.certificate.trust
    newer = edge.certificate.trust
    newer.set_alpn_protocols(["h2"])

    def bare(port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), 30)

    def by_tls(context: ssl.SSLContext = trust) -> socket.socket:
        return context.wrap_socket(bare(secret), server_hostname="localhost")

    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    body = f"POST /live/{edge.slug}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n".encode()
    return [
        Slow("connections that say nothing, where TLS is expected", b"", b"", lambda: bare(secret)),
        Slow("slow heads by plain HTTP", head, DRIPS, lambda: bare(plain)),
        Slow("slow heads by TLS", head, DRIPS, by_tls),
        Slow("bodies of which nothing comes", body, b"", by_tls),
        Slow("HTTP/2 without a request", PREFACE, b"", lambda: by_tls(newer)),
    ]


def listening_to(edge: Edge, number: int) -> socket.socket:
    """An event stream that nobody reads."""
    one = edge.certificate.trust.wrap_socket(
        socket.create_connection(("127.0.0.1", int(edge.url.rpartition(":")[2])), 30),
        server_hostname="localhost",
    )
    ticket = edge.ticket(viewer=f"s{number}")
    one.sendall(
        f"GET /live/{edge.event_id}/events?ticket={ticket} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )
    return one
