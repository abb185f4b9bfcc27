"""A client of streaming gateways: RENATER's SIPMediaGW of any deployed version, and `amphi gateway`; usable on its own.

Synchronous: it is called from worker threads that do one thing at a time; an asynchronous caller wraps a call in
`asyncio.to_thread`. There is one HTTP client per gateway, with a limit for connecting and one for the whole call, TLS verified,
with an optional CA file for a private authority.

    gateway = connect("auto", "https://gateway.example.org:8080", token)
    started = gateway.start(StartRequest(job_id="41", room="amphi-3f9k2m", rtmp_url=…, join_url=…, domain=…))
    gateway.stop(JobRef(job_id="41", room="amphi-3f9k2m", remote_id=started.remote_id))

Dialects: ``amphi`` (`jobs`), ``A`` of v1.5 and ``B`` of v1.6 and v1.7 (`launcher`), ``D`` of v1.8 (`proxy`). Success is read from
what an answer means, never from the word success in it.
"""

from amphi.sipmediagw.connection import connect, detect
from amphi.sipmediagw.exceptions import (
    ChatRefusedError,
    GatewayError,
    GatewayFailedError,
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayRefusedError,
    GatewayTimeoutError,
    GatewayUnauthorizedError,
    GatewayUnreachableError,
    NotAGatewayError,
    NotInMeetingError,
    UnknownRoomError,
    UnsafeRoomNameError,
    UnsupportedError,
    UntrustedGatewayError,
)
from amphi.sipmediagw.inert import inert
from amphi.sipmediagw.model import Dialect, Gateway, JobRef, JobStatus, StartRequest, State

__all__ = [
    "ChatRefusedError",
    "Dialect",
    "Gateway",
    "GatewayError",
    "GatewayFailedError",
    "GatewayFullError",
    "GatewayMisconfiguredError",
    "GatewayRefusedError",
    "GatewayTimeoutError",
    "GatewayUnauthorizedError",
    "GatewayUnreachableError",
    "JobRef",
    "JobStatus",
    "NotAGatewayError",
    "NotInMeetingError",
    "StartRequest",
    "State",
    "UnknownRoomError",
    "UnsafeRoomNameError",
    "UnsupportedError",
    "UntrustedGatewayError",
    "connect",
    "detect",
    "inert",
]
