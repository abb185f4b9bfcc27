"""Where the listeners go, and from which addresses."""

import asyncio
import itertools
import resource
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from amphi.loadtest.connection import Connection
from amphi.loadtest.exceptions import ConnectionFailedError, LoadTestError
from amphi.system.terminal import say

CONNECT_S = 20.0
AT_ONCE = 200
"""So many connections are made at the same moment: a server's queue of new ones is short."""
PER_ADDRESS = 100
"""Listeners behind one address of this machine, where the server is on this machine as well."""
MOST_ADDRESSES = 250
SPARE_FILES = 2_048


def sources_for(address: str, listeners: int, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The addresses to come from: those that were given; to a server on this machine some of 127.0.0.0/8; else the machine's own.

    A crowd from one address would meet the limits that are kept for one address, and to one port of a server there are 28,000
    connections at most. Each is in a block of its own, since what a webinar takes from one block is limited too.
    """
    if given:
        return given
    if not address.startswith("127."):
        return ()
    count = min(MOST_ADDRESSES, -(-listeners // PER_ADDRESS))
    return tuple(f"127.0.{number}.1" for number in range(1, count + 1))


def need_files(count: int) -> None:
    """Have this process open so many connections.

    Raises:
        LoadTestError: the machine's limit is lower.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = count + SPARE_FILES
    most = hard if hard == resource.RLIM_INFINITY else max(hard, wanted)
    try:
        # Only root may raise the second one.
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (ValueError, OSError):
        raise LoadTestError(
            say(
                en=f"{count} connections need {wanted} open files, and this shell allows {hard}: "
                f"“ulimit -n {wanted}” as root, or fewer listeners",
                fr=f"{count} connexions demandent {wanted} fichiers ouverts, et ce terminal en permet {hard}\u202f: "
                f"«\u00a0ulimit -n {wanted}\u00a0» en tant que root, ou moins d’auditeurs",
            )
        ) from None


@dataclass
class Place:
    """The way to the servers of one installation.

    Args:
        page: the address of the live page.
        sources: addresses to come from, one after the other.
        trust: for https.
        elsewhere: whether other hosts than the page's may be asked, where the page names some.

    Attributes:
        overdue: the connections that wait for an answer; see `Connection`.
    """

    page: SplitResult
    sources: tuple[str, ...]
    trust: ssl.SSLContext
    elsewhere: bool = False
    overdue: dict[Connection, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.sources or ("",))
        self._doors = asyncio.Semaphore(AT_ONCE)
        self._addresses: dict[str, str] = {}

    def source(self) -> str:
        """The address that the next listener comes from; empty for the machine's own."""
        return next(self._turns)

    async def connect(self, origin: SplitResult, source: str, *, bytes_per_s: int = 0) -> Connection:
        """Open a connection.

        Args:
            origin: an address on the server.
            source: where to come from.
            bytes_per_s: how much a slow line carries; 0 for one that is not slow.

        Raises:
            ConnectionFailedError: the server does not answer, or may not be asked.
        """
        host = origin.hostname or ""
        if host != self.page.hostname and not self.elsewhere:
            raise ConnectionFailedError(f"{host} is another host than the page’s: --i-own-this")
        is_secret = origin.scheme == "https"
        port = origin.port or (443 if is_secret else 80)
        try:
            async with self._doors, asyncio.timeout(CONNECT_S):
                _transport, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self.overdue, bytes_per_s),
                    await self._resolve(host, port),
                    port,
                    ssl=self.trust if is_secret else None,
                    server_hostname=host if is_secret else None,
                    local_addr=(source, 0) if source else None,
                )
        except (OSError, TimeoutError) as error:
            raise ConnectionFailedError(str(error) or type(error).__name__) from None
        if bytes_per_s:
            connection.narrow()
        return connection

    async def _resolve(self, host: str, port: int) -> str:
        """Each host's address is looked up once."""
        if host not in self._addresses:
            self._addresses[host] = await resolve(host, port)
        return self._addresses[host]

    def sweep(self) -> None:
        """Close the connections that waited for too long; called every second or so."""
        now = asyncio.get_running_loop().time()
        for connection in [one for one, until in self.overdue.items() if until < now]:
            connection.give_up()


async def resolve(host: str, port: int) -> str:
    """The address of a host, of IPv4 where it has one.

    Raises:
        OSError: there is no such host.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    return next((one for one in addresses if "." in one), addresses[0])


def split(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        LoadTestError: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.path.startswith("/live/"):
        raise LoadTestError(f"{url} is not the address of a live page: https://HOST/live/NAME/")
    return parts._replace(query="", fragment="")
