"""Takes captions, from whatever source: stores them with their airing, and tells listeners.

A source tells a sentence once, or again and again as it grows, by the same name. All is counted under the lock of the event's stream.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from amphi.audience.captions import cues
from amphi.audience.domain import lock_stream, publish
from amphi.audience.exceptions import (
    CaptionsOffError,
    InvalidCaptionError,
    NothingOnAirError,
    TooManyCaptionsError,
)
from amphi.audience.models import Airing, Caption, CaptionsFrom, Event
from amphi.system.typed import clean_line

OLDEST = timedelta(minutes=5)
"""A caption of what was said longer ago is of no use to listeners."""
AHEAD = timedelta(seconds=5)
"""How far the clock of a source may be ahead."""
AFTER_THE_END = timedelta(minutes=1)
"""For so long after the end of a live, what was said in it is still taken."""
GROWS_EVERY = timedelta(seconds=1)
"""A sentence that is not complete is told at most so often."""
PER_MINUTE = 120
"""Sentences of one event in a minute."""
MOST = 20_000
"""Captions of one airing: five hours of somebody who never pauses."""
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was said, as a source tells it.

    Attributes:
        text: up to `cues.LONGEST_TEXT` characters.
        name: the source's name for it; empty for one that is told once.
        at: when it was said, by the live server's clock; None for now.
        until: when it was said to its end; None where the source does not know.
        is_final: False for one that is told again when more of it is known.
    """

    text: str
    name: str = ""
    at: datetime | None = None
    until: datetime | None = None
    is_final: bool = True


def content(row: Caption) -> dict[str, object]:
    """The ``caption`` message of the event stream; one without text is taken away."""
    return {
        "id": str(row.pk),
        "at": row.at.isoformat(),
        "until": row.until.isoformat(),
        "text": row.text,
    }


def take(event: Event, sentence: Sentence, *, source: CaptionsFrom) -> bool:
    """Store what was said and tell it to listeners.

    Args:
        event: in its live.
        sentence: what was said.
        source: who says so.

    Returns:
        Whether it was kept: not when it was told a moment ago and is not complete, or when somebody has corrected it.

    Raises:
        CaptionError: it was refused; the text says why.
    """
    now = timezone.now()
    if event.captions_from != source:
        raise CaptionsOffError("this webinar has no captions from this source: see its options")
    text = _text_of(sentence)
    with transaction.atomic():
        lock_stream(event.pk)
        at = _moment(sentence.at, now)
        airing = _airing(event, at, now)
        name = sentence.name or uuid.uuid4().hex
        known = list(Caption.objects.filter(airing=airing, name=name).order_by("piece"))
        if not known:
            _check_number(airing, now)
        elif not _may_grow(known, sentence, now):
            return False
        elif sentence.at is None or not sentence.is_final:
            # Only who knows the whole sentence knows better when it began.
            at = known[0].at
        _store(event.pk, airing, name, known, cues.pieces(text, at, _end(sentence, text, at, now)))
    return True


def so_far(event: Event, name: str) -> str:
    """What is known of a sentence of the live that goes on; empty when nothing is."""
    rows = Caption.objects.filter(airing__event=event, airing__ended_at=None, name=name).order_by("piece")
    return " ".join(rows.values_list("text", flat=True))


def _text_of(sentence: Sentence) -> str:
    if len(sentence.name) > LONGEST_NAME:
        raise InvalidCaptionError(f"the id is longer than {LONGEST_NAME} characters")
    text = " ".join(clean_line(sentence.text).split())
    if not text:
        raise InvalidCaptionError("there is no text")
    if len(text) > cues.LONGEST_TEXT:
        raise InvalidCaptionError(f"the text is longer than {cues.LONGEST_TEXT} characters")
    return text


def _moment(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if at > now + AHEAD or at < now - OLDEST:
        raise InvalidCaptionError(
            f"it was said at {at.isoformat()}, which is too far from now: compare clocks"
        )
    return min(at, now)


def _airing(event: Event, at: datetime, now: datetime) -> Airing:
    """The airing in which something was said. What presenters say backstage, or after the end, is in none."""
    is_on = Q(ended_at=None) | Q(ended_at__gte=max(at, now - AFTER_THE_END))
    airing = Airing.objects.filter(is_on, event=event, began_at__lte=at).first()
    if airing is None or event.is_backstage:
        raise NothingOnAirError("listeners saw nothing at that time")
    return airing


def _check_number(airing: Airing, now: datetime) -> None:
    lately = airing.captions.filter(piece=0, created_at__gt=now - timedelta(minutes=1)).count()
    if lately >= PER_MINUTE or airing.captions.count() >= MOST:
        raise TooManyCaptionsError(f"more than {PER_MINUTE} in a minute, or {MOST} in all")


def _may_grow(known: list[Caption], sentence: Sentence, now: datetime) -> bool:
    if any(row.is_corrected for row in known):
        return False
    return sentence.is_final or max(row.changed_at for row in known) <= now - GROWS_EVERY


def _end(sentence: Sentence, text: str, at: datetime, now: datetime) -> datetime:
    read = at + cues.reading_time(text)
    if sentence.until is None:
        # One that grows was said until now.
        return min(max(read, now), at + cues.LONGEST_SPAN) if sentence.name else read
    return min(max(sentence.until, at + timedelta(milliseconds=200)), at + cues.LONGEST_SPAN)


def _store(event_id: int, airing: Airing, name: str, known: list[Caption], now: list[cues.Piece]) -> None:
    """Write the captions of one sentence, and tell listeners of those whose text is another."""
    for number, piece in enumerate(now):
        row = known[number] if number < len(known) else Caption(airing=airing, name=name, piece=number)
        is_news = row.text != piece.text
        row.at, row.until, row.text = piece.at, piece.until, piece.text
        row.save()
        if is_news:
            publish(event_id, "caption", content(row), about=row.pk)
    for row in known[len(now) :]:
        row.delete()
        publish(event_id, "caption", {"id": str(row.pk), "text": ""})
