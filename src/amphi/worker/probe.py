"""Reads the playlist that listeners read, to see whether pictures arrive.

A playlist alone proves little, since nginx-rtmp keeps an old one for a while. Only one that advances proves a live.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings

from amphi.system import outbound, tickets
from amphi.webinars.models import Livestream

TIMEOUT_S = 3.0
DEFAULT_TARGET_DURATION_S = 6
SLATE_REMARK = "# amphi: slate"
"""`amphi origin` writes it into a playlist to which it adds a slate."""
_SOUND = ("mp4a", "opus", "flac", "alac", "ac-3", "ec-3", "mp3")
"""How the names of codecs of sound begin (RFC 6381), in small letters."""
_TICKET_STEP_S = 1800
"""Tickets of the platform's own last for one to two steps. All of one step are the same: whoever verifies them asks seldom, remembers the
answer while the web server is away, and may have a clock that is some minutes ahead."""
_AFRESH = {"Cache-Control": "no-cache"}
"""Past a cache in front of the live server: it keeps each answer, also that there is nothing, for a second or two, and a look needs several."""
_caller = outbound.Caller(timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S, headers=_AFRESH)


@dataclass(frozen=True, slots=True)
class Playlist:
    """The content of a playlist, as far as the platform needs it.

    Attributes:
        mark: changes whenever media is added.
        ended: the playlist is closed (``EXT-X-ENDLIST``).
        target_duration_s: the longest possible segment, in seconds.
        low_latency: the playlist has partial segments.
        has_sound: there is an audio track; None when the live server does not say.
        shows_slate: what is added is the origin's slate, since its publisher is away or silent.
    """

    mark: str
    ended: bool
    target_duration_s: int
    low_latency: bool = False
    has_sound: bool | None = None
    shows_slate: bool = False


def has_sound(text: str) -> bool | None:
    """Whether the first variant of a multivariant playlist has sound, by its codecs; None when it names none."""
    variants = [line for line in text.splitlines() if line.startswith("#EXT-X-STREAM-INF:")]
    codecs = re.search(r'[:,]CODECS="([^"]*)"', variants[0]) if variants else None
    if codecs is None:
        return None
    return any(codec.strip().lower().startswith(_SOUND) for codec in codecs[1].split(","))


def read_playlist(text: str, *, has_sound: bool | None = None) -> Playlist | None:
    """Parse a media playlist; None when it is not one or has no media yet. Source: RFC 8216, section 4.3."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("#EXTM3U"):
        return None
    segments = [line for line in lines if line.strip() and not line.startswith("#")]
    parts = [line for line in lines if line.startswith("#EXT-X-PART:")]
    if not segments and not parts:
        return None
    target = re.search(r"^#EXT-X-TARGETDURATION:(\d+)", text, re.MULTILINE)
    sequence = re.search(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)", text, re.MULTILINE)
    # The last names change with every addition. Some live servers reuse names: then the sequence number changes.
    # While the origin shows a slate, no media of the publisher comes, though the playlist grows.
    shows_slate = "# amphi: slate" in lines
    mark = (
        "slate"
        if shows_slate
        else f"{sequence[1] if sequence else 0}+{len(segments)}|{''.join(segments[-1:])}|{''.join(parts[-1:])}"
    )
    return Playlist(
        mark=hashlib.sha256(mark.encode()).hexdigest()[:32],
        ended="#EXT-X-ENDLIST" in lines,
        target_duration_s=int(target[1]) if target else DEFAULT_TARGET_DURATION_S,
        low_latency="#EXT-X-PART-INF:" in text,
        has_sound=has_sound,
        shows_slate=SLATE_REMARK in lines,
    )


def address(livestream: Livestream, *, now: float) -> str:
    """The playlist's address for the platform itself, with its own ticket."""
    broadcaster = livestream.gateway.broadcaster
    if not broadcaster.has_tickets or not settings.AMPHI_TICKET_KEY:
        return broadcaster.hls_url
    ticket = tickets.Ticket(
        event_id=livestream.event_id,
        stream=broadcaster.stream,
        viewer="s",
        expires_at=(int(now) // _TICKET_STEP_S + 2) * _TICKET_STEP_S,
    )
    return tickets.in_path(broadcaster.hls_url, tickets.mint(settings.AMPHI_TICKET_KEY.encode(), ticket))


def probe(livestream: Livestream) -> Playlist | None:
    """Read the playlist of the live; None when there is none or the server does not answer."""
    return read(address(livestream, now=time.time()))


def read(url: str) -> Playlist | None:
    """Read the media playlist at `url`, or the first variant of a multivariant one; None when there is none."""
    text, sound = _get(url), None
    if text is not None and "#EXT-X-STREAM-INF" in text:
        sound = has_sound(text)
        variants = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        text = _get(urljoin(url, variants[0].strip())) if variants else None
    return read_playlist(text, has_sound=sound) if text is not None else None


def _get(url: str) -> str | None:
    try:
        answer = _caller.call("GET", url)
    except outbound.OutboundError:
        return None
    return answer.body.decode("utf-8", "replace") if answer.status == 200 else None  # noqa: PLR2004 -- HTTP's OK
