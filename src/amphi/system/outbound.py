"""HTTP calls to other servers, with one deadline for the whole call. Both client libraries use it.

Synchronous, for worker threads. The deadline covers everything from the name look-up to the last byte, so a server that sends a byte
now and then can't hold a worker. Answers have a largest size. Redirects are not followed. TLS is verified. Proxies and netrc from the
environment are ignored, since they would send secrets elsewhere.
"""

import functools
import re
import ssl
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any

import httpcore
import httpx

from amphi.system import name_lookup

LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_KEPT_FOR_S = 2.0
"""Shorter than the usual 5 s of servers, so that a call does not meet a connection that the server is just closing."""


class OutboundError(Exception):
    """A call got no answer. The message is for the log and contains no secret.

    Tree: `ConnectionFailedError`, `DeadlineError`, `UntrustedCertificateError`, `AnswerTooLargeError`, `GarbledAnswerError`,
    `ForbiddenAddressError`, `MisconfiguredError`.
    """


class ConnectionFailedError(OutboundError):
    """There was no connection, or it broke before the answer was complete."""


class DeadlineError(OutboundError):
    """The answer was not complete in time."""


class UntrustedCertificateError(OutboundError):
    """The server's certificate could not be verified."""


class AnswerTooLargeError(OutboundError):
    """The answer is larger than the limit."""


class GarbledAnswerError(OutboundError):
    """The answer is not HTTP, or its body does not match its Content-Encoding."""


class ForbiddenAddressError(OutboundError):
    """The host has an address that may not be called, so no call was made."""


class MisconfiguredError(OutboundError):
    """The address, a header or the CA file is invalid, so no call was made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole.

    Attributes:
        status: HTTP's status code.
        headers: by name, in lower case.
        body: its bytes, after content decoding.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case; empty when none was given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Deadline(threading.local):
    """The deadline of this thread's call; a call never leaves its thread."""

    at: float | None = None

    def left(self, timeout: float | None) -> float | None:
        if self.at is None:
            return timeout
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return left_s if timeout is None else min(timeout, left_s)


class _Stream(httpcore.NetworkStream):
    """A connection whose waits end at the call's deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Finds hosts and opens connections within the call's deadline, to addresses that are admitted."""

    def __init__(self, deadline: _Deadline, admits: Callable[[str], bool] | None) -> None:
        self._deadline = deadline
        self._admits = admits

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        ends_at = None if timeout is None else time.monotonic() + timeout

        def left(share: int = 1) -> float | None:
            limit = self._deadline.left(None if ends_at is None else max(0.001, ends_at - time.monotonic()))
            return None if limit is None else limit / share

        addresses = self._addresses_of(host, port, left())
        # All of them: connecting goes to what was checked, and not to what a second look-up would say.
        if self._admits is not None and not all(self._admits(address) for address in addresses):
            raise ForbiddenAddressError("the address is in a private network")
        for number, address in enumerate(addresses, 1):
            try:
                # Leave time for the addresses that come after.
                share = left(len(addresses) - number + 1)
                inner = super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _Stream(inner, self._deadline)
        raise httpcore.ConnectError("no address")

    @staticmethod
    def _addresses_of(host: str, port: int, timeout_s: float | None) -> list[str]:
        try:
            return name_lookup.addresses_of(host, port, timeout_s=timeout_s)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except name_lookup.LookupFailedError as error:
            raise httpcore.ConnectError(str(error)) from error


class Caller:
    """One server's HTTP client; may be used by several threads at once.

    Args:
        timeout_s: the longest a whole call may take.
        connect_timeout_s: the longest that finding the host and connecting may take.
        ca_file: PEM certificates to trust instead of the system's.
        headers: sent with every call.
        admits: whether an IP address may be called; None: any may.

    Raises:
        MisconfiguredError: the CA file can't be read.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        connect_timeout_s: float = 5.0,
        ca_file: Path | str | None = None,
        headers: Mapping[str, str] | None = None,
        admits: Callable[[str], bool] | None = None,
    ) -> None:
        self._deadline = _Deadline()
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "amphi"} | dict(
            headers or {}
        )
        self._pool = httpcore.ConnectionPool(
            ssl_context=_private_trust(ca_file) if ca_file else _system_trust(),
            network_backend=_Backend(self._deadline, admits),
            max_connections=100,
            max_keepalive_connections=10,
            keepalive_expiry=_KEPT_FOR_S,
        )
        # Closes the sockets of a caller that was dropped without `close`.
        weakref.finalize(self, self._pool.close)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    def call(
        self,
        method: str,
        url: str,
        *,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
        json: object = None,
    ) -> Answer:
        """Make one call and read its whole answer.

        Args:
            method: HTTP's.
            url: the whole address, with its query.
            timeout_s: for this call, instead of the caller's own.
            headers: for this call, besides the caller's own.
            content: the body; in pieces, with a Content-Length among the headers.
            json: the same, to be sent as JSON.

        Raises:
            OutboundError: one of its subclasses; no message contains the query or a header.
        """
        if json is not None:
            content = dumps(json).encode()
            headers = {"Content-Type": "application/json"} | dict(headers or {})
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        target, fields = _target(url), _fields(self._headers | dict(headers or {}))
        connect_s = min(limit_s, self._connect_timeout_s)
        waits = {"connect": connect_s, "read": limit_s, "write": limit_s, "pool": limit_s}
        self._deadline.at = time.monotonic() + limit_s
        try:
            with self._pool.stream(
                method, target, headers=fields, content=content, extensions={"timeout": waits}
            ) as response:
                found = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return Answer(response.status, found, _whole_body(response.iter_stream(), found))
        except httpcore.TimeoutException as error:
            raise DeadlineError(f"no whole answer in {limit_s:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _failure(error) from error
        finally:
            self._deadline.at = None


def _failure(error: Exception) -> OutboundError:
    said = str(error) or type(error).__name__
    match error:
        case httpcore.ConnectError() if isinstance(_root_cause(error), ssl.SSLError):
            return UntrustedCertificateError(said)
        case httpcore.RemoteProtocolError() if "disconnected" not in said and "closed connection" not in said:
            return GarbledAnswerError(said)
        case httpcore.LocalProtocolError():
            return MisconfiguredError("a header or the address has characters that HTTP does not take")
    return ConnectionFailedError(said)


def _target(url: str) -> httpcore.URL:
    try:
        parts = httpx.URL(url)
        if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.raw_host):
            raise MisconfiguredError("the address does not begin with http:// or https:// and a host")
        if parts.port is not None and not 0 < parts.port < 65536:  # noqa: PLR2004 -- TCP's ports
            raise MisconfiguredError("the address has a port that can’t be one")
        return httpcore.URL(
            scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
        )
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise MisconfiguredError(f"the address can’t be one: {type(error).__name__}") from error


def _fields(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    except UnicodeError as error:
        raise MisconfiguredError("a header has characters that HTTP does not take") from error


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """The system's certificate authorities, read once: reading them takes longer than a call."""
    return ssl.create_default_context()


def _private_trust(ca_file: Path | str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ValueError) as error:  # ssl's own errors are among the first
        raise MisconfiguredError(f"the CA file {ca_file} can’t be read: {error}") from error


def _whole_body(pieces: Iterable[bytes], headers: Mapping[str, str]) -> bytes:
    body = bytearray()
    for piece in _decoded(pieces, headers.get("content-encoding", "").strip().lower()):
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            raise AnswerTooLargeError(f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes")
    return bytes(body)


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The decompressed body: some servers compress without being asked. Stops soon after the size limit."""
    if encoding in {"", "identity"}:
        yield from pieces
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise GarbledAnswerError("the body has an encoding that was not asked for")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for piece in pieces:
            yield unpacker.decompress(piece, LARGEST_ANSWER_BYTES + 1)
    except zlib.error as error:
        raise GarbledAnswerError(f"the body is not encoded as it says: {error}") from error
    if not unpacker.eof:
        raise GarbledAnswerError("the encoded body is cut off")


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error
