"""Makes the client for a gateway, and detects its dialect."""

from pathlib import Path
from typing import Literal

from amphi.sipmediagw.exceptions import (
    GatewayMisconfiguredError,
    GatewayUnauthorizedError,
    NotAGatewayError,
)
from amphi.sipmediagw.jobs import JobGateway
from amphi.sipmediagw.launcher import LauncherGateway
from amphi.sipmediagw.model import Dialect, Gateway
from amphi.sipmediagw.proxy import ProxyGateway
from amphi.sipmediagw.transport import Transport


def connect(
    dialect: Dialect | Literal["auto"],
    url: str,
    token: str,
    *,
    ca_file: Path | str | None = None,
    timeout_s: float = 10.0,
    slow_timeout_s: float = 30.0,
) -> Gateway:
    """The client of a gateway. Sends nothing, except to detect the dialect.

    Args:
        dialect: the gateway's dialect; ``auto`` detects it.
        url: its address.
        token: its bearer token.
        ca_file: PEM certificates to trust instead of the system's, for a private authority.
        timeout_s: the longest that a whole call may take.
        slow_timeout_s: the same for starting and stopping in A, B and D, which answer only when that is done, after 2 to 20 s.

    Raises:
        GatewayMisconfiguredError: the address is invalid, the CA file can't be read, or the dialect is unknown.
        GatewayError: ``auto`` could not detect the dialect.
    """
    transport = Transport(url, token, timeout_s=timeout_s, ca_file=ca_file)
    if dialect == "auto":
        dialect = _detect(transport)
    match dialect:
        case "amphi":
            return JobGateway(transport)
        case "A" | "B":
            return LauncherGateway(transport, dialect, slow_timeout_s=slow_timeout_s)
        case "D":
            return ProxyGateway(transport, slow_timeout_s=slow_timeout_s)
    raise GatewayMisconfiguredError(f"there is no dialect {dialect!r}")


def detect(url: str, token: str, *, ca_file: Path | str | None = None, timeout_s: float = 10.0) -> Dialect:
    """Detect a gateway's dialect without starting anything.

    Raises:
        GatewayMisconfiguredError: the address is invalid, or the CA file can't be read.
        GatewayUnauthorizedError: the gateway does not accept the token.
        NotAGatewayError: the server is not a gateway that we know.
        GatewayError: any other of its subclasses.
    """
    transport = Transport(url, token, timeout_s=timeout_s, ca_file=ca_file)
    try:
        return _detect(transport)
    finally:
        transport.close()


def _detect(transport: Transport) -> Dialect:
    if _is_ours(transport):
        return "amphi"
    # Without a room nothing starts. A answers 200 and B 400, both complaining of the missing room; D allows only POST.
    reply = transport.call("GET", "/start")
    if reply.status == 405:  # noqa: PLR2004 -- Method Not Allowed
        return "D"
    error = str(reply.data.get("Error") or reply.data.get("error") or "")
    if "authorization" in error.lower():
        raise GatewayUnauthorizedError(f"GET /start: HTTP status {reply.status}: authorization error")
    if error or "res" in reply.data:
        return "B" if reply.status == 400 or "status" in reply.data else "A"  # noqa: PLR2004 -- Bad Request
    raise NotAGatewayError(f"GET /start: HTTP status {reply.status}, an answer of no known dialect")


def _is_ours(transport: Transport) -> bool:
    """Whether it is `amphi gateway` and accepts our token."""
    try:
        reply = transport.call("GET", "/healthz")
    except (NotAGatewayError, GatewayUnauthorizedError):
        return False
    if reply.status != 200 or "max_jobs" not in reply.data:  # noqa: PLR2004 -- OK
        return False
    transport.call("GET", "/jobs")
    return True
