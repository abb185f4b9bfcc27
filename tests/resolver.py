"""The system's resolver as tests have it."""

import socket
import threading

_getaddrinfo = socket.getaddrinfo


class Resolver:
    """The system's resolver as the tests have it: some names hang until it is closed, some have addresses, the others are unknown."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.hanging: set[str] = set()
        self.asked: list[str] = []
        self.closed = threading.Event()

    def getaddrinfo(self, host, port, *more, **options):
        if host[0].isdigit():
            return _getaddrinfo(host, port, *more, **options)
        self.asked.append(host)
        if host in self.hanging:
            self.closed.wait(30)
        if host not in self.known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in self.known[host]]
