"""Signed tickets: each lets one viewer watch one live event, and is verified without a database.

The page of an event gives its viewer a ticket. The event stream and the HLS origin verify its HMAC-SHA256 signature and its expiry,
so listeners cost no database query. A ticket is ``<payload>.<signature>``, both base64url without padding: one segment of a URL's
path. Playlists use relative addresses, so a ticket in the path of the first one (see `in_path`) is part of all others, in every
player and without a script.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

PLATFORM = 0
"""The event id of the platform's own tickets, which open every stream: it uses them to look at the pictures."""


EVENT_HEADER = "X-Amphi-Event"
"""Header with an event's id for the origin: the holder of a stream (answer to ``on_publish``), or the event of a viewer's ticket (from the edge)."""

REPLAY = "replay:"
"""What stands before the number of a replay in the place of a stream's name, which has no colon: such a ticket opens no stream."""
TITLE_HEADER = "X-Amphi-Title"
"""Header of the answer to ``on_publish``: the event's title, percent-encoded, for the slate that stands in for the picture."""
KEEP_HEADER = "X-Amphi-Keep"
"""Header of the answer to ``on_publish``: ``1`` when the stream is to be recorded, since its event may be seen again."""


class InvalidTicketError(Exception):
    """The ticket is malformed, forged, expired or for something else. The message says which, and contains no secret."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The content of a ticket.

    Attributes:
        event_id: the event's database id, or `PLATFORM`. A ticket opens the stream only while its event holds the stream.
        stream: the name of the stream at the origin, or of a replay (`REPLAY`); empty when the event has none.
        viewer: ``u<user id>``, ``r<number>`` for somebody who registered, ``a<random>`` for others without an account, ``s`` for the
            platform itself.
        expires_at: seconds since the Unix epoch.
        password_mark: a mark of the event's password at that time; empty when the event had none.
        epoch: how often the account's tickets were ended before; 0 for who has no account.
    """

    event_id: int
    stream: str
    viewer: str
    expires_at: int
    password_mark: str = ""
    epoch: int = 0

    @property
    def replay_id(self) -> int:
        """The replay that it is for; 0 for the live."""
        number = self.stream.removeprefix(REPLAY)
        return int(number) if number != self.stream and number.isdecimal() else 0


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signature(key: bytes, payload: str) -> bytes:
    return hmac.new(key, b"amphi.ticket.v1:" + payload.encode("ascii"), hashlib.sha256).digest()


def mint(key: bytes, ticket: Ticket) -> str:
    """The signed text of `ticket`; `key` is shared by the web server and the origin."""
    content = [ticket.event_id, ticket.stream, ticket.viewer, ticket.expires_at, ticket.password_mark]
    # An origin of an older version reads tickets without an epoch.
    content += [ticket.epoch] if ticket.epoch else []
    payload = _encode(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{payload}.{_encode(_signature(key, payload))}"


def verify(key: bytes, text: str, *, now: float) -> Ticket:
    """Verify `text` and return its ticket.

    Args:
        key: the key that it must be signed with.
        text: the ticket as the viewer sent it.
        now: seconds since the Unix epoch.

    Raises:
        InvalidTicketError: malformed, signed by another key, or expired.
    """
    payload, _, signature = text.partition(".")
    try:
        # Compared as text: several base64 texts decode to the same bytes, but only one is a ticket.
        if not hmac.compare_digest(signature, _encode(_signature(key, payload))):
            raise InvalidTicketError("the signature does not match")
        event_id, stream, viewer, expires_at, password_mark, *epoch = json.loads(_decode(payload))
    except (binascii.Error, UnicodeError, ValueError, TypeError):
        raise InvalidTicketError("it is malformed") from None
    if now >= expires_at:
        raise InvalidTicketError("it has expired")
    return Ticket(event_id, stream, viewer, expires_at, password_mark, epoch[0] if epoch else 0)


def in_path(url: str, ticket: str) -> str:
    """Put a ticket into an HLS address: ``https://h/hls/n.m3u8`` becomes ``https://h/t/<ticket>/hls/n.m3u8``."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/t/{ticket}{parts.path}"))
