"""A client of streaming gateways: RENATER's SIPMediaGW in all deployed versions, and `amphi gateway`; usable on its own.

Synchronous, for worker threads; asynchronous code can use `asyncio.to_thread`. Each gateway has one HTTP client, with time limits for
connecting and for the whole call, verified TLS and an optional CA file for a private authority.

    gateway = connect("auto", "https://gateway.example.org:8080", token)
    started = gateway.start(StartRequest(job_id="41", room="amphi-3f9k2m", rtmp_url=…, join_url=…, domain=…))
    gateway.stop(JobRef(job_id="41", room="amphi-3f9k2m", remote_id=started.remote_id))

Dialects: ``amphi`` (`jobs`), ``A`` of v1.5 and ``B`` of v1.6 and v1.7 (`launcher`), ``D`` of v1.8 (`proxy`). SIPMediaGW says
“success” in some answers that mean failure, so the client reads the other fields.
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
from amphi.sipmediagw.measured import MeasuredGateway
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
    "MeasuredGateway",
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
