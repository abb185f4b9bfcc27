"""Name look-ups with a time limit, which the system's resolver does not offer.

A look-up can't be interrupted, so each runs in a thread of its own. When it takes too long, the caller gives up and the thread goes
on; the next caller with the same name waits for that thread. There are at most `MOST_AT_ONCE` threads.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable

MOST_AT_ONCE = 50
Key = tuple[str, int]
_OWN_NAME: Key = ("", 0)


class LookupFailedError(OSError):
    """The name has no address, or the resolver failed."""


class _Lookup:
    """One look-up, shared by all callers that need it at the same moment."""

    def __init__(self, key: Key, ask: Callable[[], list[str]]) -> None:
        self._key = key
        self._ask = ask
        self._done = threading.Event()
        self._found: list[str] = []
        self._error = ""

    def run(self) -> None:
        try:
            self._found = self._ask()
        except (OSError, UnicodeError) as error:
            self._error = str(error)
        finally:
            with _lock:
                _under_way.pop(self._key, None)
            self._done.set()

    def answer(self, timeout_s: float | None) -> list[str]:
        if not self._done.wait(timeout_s):
            raise TimeoutError(f"the address of {self._key[0] or 'this machine'} was not found in time")
        if self._error or not self._found:
            raise LookupFailedError(self._error or "no address")
        return self._found


_lock = threading.Lock()
_under_way: dict[Key, _Lookup] = {}


def addresses_of(host: str, port: int, *, timeout_s: float | None = None) -> list[str]:
    """The IP addresses of `host`, in the order in which to try them.

    Args:
        host: a name; an IP address is returned unchanged.
        port: the TCP port of the later connection.
        timeout_s: how long to wait; None waits without limit.

    Raises:
        TimeoutError: the resolver did not answer in time.
        LookupFailedError: the name is unknown, or too many look-ups hang already.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return _lookup((host, port), lambda: _ask_for_addresses(host, port)).answer(timeout_s)


def own_name(*, timeout_s: float) -> str:
    """This machine's name with its domain; without, where the resolver does not tell in time."""
    try:
        return _lookup(_OWN_NAME, lambda: [socket.getfqdn()]).answer(timeout_s)[0]
    except OSError:
        return socket.gethostname()


def _ask_for_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _lookup(key: Key, ask: Callable[[], list[str]]) -> _Lookup:
    with _lock:
        lookup = _under_way.get(key)
        if lookup is None:
            if len(_under_way) >= MOST_AT_ONCE:
                raise LookupFailedError("too many look-ups wait for the resolver")
            lookup = _under_way[key] = _Lookup(key, ask)
            threading.Thread(target=lookup.run, name="name look-up", daemon=True).start()
    return lookup
