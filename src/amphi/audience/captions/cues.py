"""What a caption is: how long a text may be, how it is divided, how long it stays, and WebVTT. It reads nothing and knows no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PIECE = 84
"""Characters of one caption: two lines of 42, which people read at a glance."""
LONGEST_TEXT = 1000
"""Characters of one sentence."""
READ_PER_S = 15
"""Characters that a reader takes in within a second."""
SHORTEST_S, LONGEST_S = 1.2, 7.0
"""How long a caption stays where its source does not say."""
LONGEST_SPAN = timedelta(seconds=60)
"""How long one sentence may last."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One caption of a sentence, and when it was said."""

    at: datetime
    until: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption in a replay: from when until when, in seconds."""

    start_s: float
    end_s: float
    text: str


def reading_time(text: str) -> timedelta:
    """How long people need to read `text`."""
    return timedelta(seconds=min(max(len(text) / READ_PER_S, SHORTEST_S), LONGEST_S))


def divided(text: str) -> list[str]:
    """`text` in pieces of at most `LONGEST_PIECE` characters, between words. One that grows at its end keeps its first pieces."""
    pieces: list[str] = []
    for word in text.split():
        left = word
        while left:
            if pieces and len(pieces[-1]) + 1 + len(left) <= LONGEST_PIECE:
                pieces[-1] += f" {left}"
                break
            pieces.append(left[:LONGEST_PIECE])
            left = left[LONGEST_PIECE:]
    return pieces


def pieces(text: str, at: datetime, until: datetime) -> list[Piece]:
    """The captions of a sentence that was said from `at` until `until`, each with its share of that time."""
    found: list[Piece] = []
    texts = divided(text)
    letters = sum(len(one) for one in texts)
    said = 0
    for one in texts:
        start, said = at + (until - at) * (said / letters), said + len(one)
        found.append(Piece(start, at + (until - at) * (said / letters), one))
    return found


def placed(cues: Iterable[Cue]) -> list[Cue]:
    """The captions of a replay: long enough to be read where nothing else is said meanwhile, and one at a time."""
    rows: Sequence[Cue] = sorted(cues, key=lambda cue: cue.start_s)
    found: list[Cue] = []
    for number, cue in enumerate(rows):
        wanted = max(cue.end_s, cue.start_s + reading_time(cue.text).total_seconds())
        following = rows[number + 1].start_s if number + 1 < len(rows) else wanted
        end = min(wanted, following) if following > cue.start_s else wanted
        found.append(Cue(cue.start_s, end, cue.text))
    return found


def vtt(cues: Iterable[Cue]) -> str:
    """WebVTT (W3C), with each text as it is."""
    blocks = [f"{stamp(cue.start_s)} --> {stamp(cue.end_s)}\n{escaped(cue.text)}\n" for cue in cues]
    return "\n".join(["WEBVTT\n", *blocks])


def stamp(seconds: float) -> str:
    """A time of WebVTT, with hours."""
    whole_ms = round(seconds * 1000)
    minutes, ms = divmod(whole_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms / 1000:06.3f}"


def escaped(text: str) -> str:
    """Text as it may stand in a cue."""
    marked = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(marked.split())
