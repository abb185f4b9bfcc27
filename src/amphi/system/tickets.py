"""Signed tickets: the right of one viewer to one live event, checked without a database.

A page that a viewer may see carries a ticket. The event stream and the HLS origin verify it by HMAC-SHA256 and by its expiry,
so the audience's hot path asks no database. A ticket is ``<payload>.<signature>``, both base64url without padding, safe as one
segment of a URL's path: an HLS address with the ticket in its path (see `in_path`) hands the ticket on to every relative
address of the playlists, in every player, with no script.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

PLATFORM = 0
"""The event of the platform's own tickets, which open any stream: it looks at what it serves."""


EVENT_HEADER = "X-Amphi-Event"
"""Names an event to the origin: the one that holds a stream (answer to ``on_publish``), the one that a viewer's ticket is for (edge)."""


class InvalidTicketError(Exception):
    """The ticket is malformed, forged, expired, or for something else. The message says which and holds no secret."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says.

    Attributes:
        event_id: the live event, as its database id, or `PLATFORM`. It opens the stream only while the event holds it.
        stream: the name of the stream at the origin; empty when there is none to see.
        viewer: who holds it: ``u<user id>``, ``a<random>`` for an anonymous one, ``r<number>`` for one who registered, ``s`` for the platform itself.
        expires_at: seconds since the Unix epoch.
        password_mark: tells which password of the event was given for it; empty when none was asked.
    """

    event_id: int
    stream: str
    viewer: str
    expires_at: int
    password_mark: str = ""


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signature(key: bytes, payload: str) -> bytes:
    return hmac.new(key, b"amphi.ticket.v1:" + payload.encode("ascii"), hashlib.sha256).digest()


def mint(key: bytes, ticket: Ticket) -> str:
    """Sign a ticket with the key that the web server and the origin share."""
    content = [ticket.event_id, ticket.stream, ticket.viewer, ticket.expires_at, ticket.password_mark]
    payload = _encode(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{payload}.{_encode(_signature(key, payload))}"


def verify(key: bytes, text: str, *, now: float) -> Ticket:
    """The ticket that `text` is.

    Args:
        key: the key it must be signed with.
        text: what the viewer presented.
        now: seconds since the Unix epoch.

    Raises:
        InvalidTicketError: malformed, signed by another key, or expired.
    """
    payload, _, signature = text.partition(".")
    try:
        # Compared as text: base64 has several spellings of the same bytes, and a ticket has one.
        if not hmac.compare_digest(signature, _encode(_signature(key, payload))):
            raise InvalidTicketError("the signature does not match")
        event_id, stream, viewer, expires_at, password_mark = json.loads(_decode(payload))
    except (binascii.Error, UnicodeError, ValueError, TypeError):
        raise InvalidTicketError("it is malformed") from None
    if now >= expires_at:
        raise InvalidTicketError("it has expired")
    return Ticket(
        event_id=event_id, stream=stream, viewer=viewer, expires_at=expires_at, password_mark=password_mark
    )


def in_path(url: str, ticket: str) -> str:
    """Put a ticket into an HLS address: ``https://h/hls/n.m3u8`` becomes ``https://h/t/<ticket>/hls/n.m3u8``."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/t/{ticket}{parts.path}"))
