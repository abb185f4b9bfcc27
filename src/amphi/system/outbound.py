"""Calls to other people's servers that end in time: what both client libraries share.

Synchronous, for worker threads. A call has one deadline from its first byte to its last, so that a server that drips a byte
now and then holds a worker no longer than one that is silent; its answer has a largest size; redirects are not followed; TLS
is verified; the environment's proxies and netrc are left alone, since they would change where a secret goes.
"""

import functools
import logging
import ssl
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore
import httpx

LARGEST_ANSWER_BYTES = 4 * 1024 * 1024


class OutboundError(Exception):
    """A call that brought no answer. The message is for the log and holds no secret.

    Tree: `ConnectionFailedError`, `DeadlineError`, `UntrustedCertificateError`, `AnswerTooLargeError`, `GarbledAnswerError`.
    """


class ConnectionFailedError(OutboundError):
    """No connection, or one that broke before the whole answer came."""


class DeadlineError(OutboundError):
    """The whole answer did not come in time."""


class UntrustedCertificateError(OutboundError):
    """The server's certificate could not be verified."""


class AnswerTooLargeError(OutboundError):
    """The answer is larger than any that makes sense."""


class GarbledAnswerError(OutboundError):
    """What came back is not HTTP, or its body is not encoded as it says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole.

    Attributes:
        status: HTTP's status code.
        headers: by name, in any case.
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
    """When the call of this thread must be over; a call never leaves its thread."""

    at: float | None = None

    def left(self, timeout: float | None) -> float | None:
        if self.at is None:
            return timeout
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return left_s if timeout is None else min(timeout, left_s)


class _Stream(httpcore.NetworkStream):
    """A connection on which each wait ends with the call's deadline."""

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
    """Opens connections that know the call's deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        inner = super().connect_tcp(host, port, self._deadline.left(timeout), local_address, socket_options)
        return _Stream(inner, self._deadline)


class _Transport(httpx.HTTPTransport):
    """HTTPX's transport over connections that know the call's deadline."""

    def __init__(self, context: ssl.SSLContext, deadline: _Deadline) -> None:
        super().__init__(verify=context)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            network_backend=_Backend(deadline),
            max_connections=100,
            max_keepalive_connections=10,
            keepalive_expiry=2.0,  # well before servers hang up, whose usual 5 s would race with a call
        )


def _cut_query(record: logging.LogRecord) -> bool:
    """Keep what a query holds (checksums, keys) out of HTTPX's own log lines."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            argument.copy_with(query=None) if isinstance(argument, httpx.URL) else argument
            for argument in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_cut_query)


class Caller:
    """One server's HTTP client; may be used by several threads at once.

    Args:
        timeout_s: the longest a whole call may take.
        connect_timeout_s: the longest that connecting may take.
        ca_file: PEM certificates to trust instead of the system's.
        headers: sent with every call.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        connect_timeout_s: float = 5.0,
        ca_file: Path | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._deadline = _Deadline()
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        context = ssl.create_default_context(cafile=str(ca_file)) if ca_file else _system_trust()
        self._client = httpx.Client(
            transport=_Transport(context, self._deadline),
            timeout=timeout_s,
            headers=dict(headers or {}),
            follow_redirects=False,
            trust_env=False,
        )
        # A caller that nobody closed leaves no open sockets, when it is dropped or at the end.
        weakref.finalize(self, self._client.close)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._client.close()

    def call(self, method: str, url: str, *, timeout_s: float | None = None, **request: Any) -> Answer:
        """Make one call and read its whole answer.

        Args:
            method: HTTP's.
            url: whole, query included.
            timeout_s: for this call, instead of the caller's own.
            request: `content`, `json`, `headers`, as HTTPX has them.

        Raises:
            OutboundError: one of its tree; none holds the query or a header.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        timeout = httpx.Timeout(limit_s, connect=min(limit_s, self._connect_timeout_s))
        self._deadline.at = time.monotonic() + limit_s
        try:
            with self._client.stream(method, url, timeout=timeout, **request) as response:
                return Answer(response.status_code, response.headers, _whole_body(response))
        except httpx.TimeoutException as error:
            raise DeadlineError(f"no whole answer in {limit_s:g} s") from error
        except httpx.ConnectError as error:
            if isinstance(_root_cause(error), ssl.SSLError):
                raise UntrustedCertificateError(str(error)) from error
            raise ConnectionFailedError(str(error)) from error
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            hung_up = "disconnected" in str(error) or "closed connection" in str(error)
            raise (ConnectionFailedError if hung_up else GarbledAnswerError)(str(error)) from error
        except httpx.TransportError as error:
            raise ConnectionFailedError(str(error) or type(error).__name__) from error
        finally:
            self._deadline.at = None


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """The system's authorities: read once, since that takes longer than a call."""
    return ssl.create_default_context()


def _whole_body(response: httpx.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            raise AnswerTooLargeError(f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes")
    return bytes(body)


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error
