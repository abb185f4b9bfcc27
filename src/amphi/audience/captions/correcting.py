"""Corrects captions: those who present rewrite or remove what was taken down wrongly."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from amphi.audience.captions.taking import content
from amphi.audience.domain import lock_stream, publish, retract
from amphi.audience.models import Airing, Caption
from amphi.system.typed import clean_line

LONGEST = 200
"""Characters of a caption that somebody wrote: as long as they find readable."""


def correct(airing: Airing, texts: Mapping[UUID, str]) -> int:
    """Have captions of `airing` read as given; one without a text is removed. What they said before leaves the event stream too.

    Args:
        airing: theirs.
        texts: the new texts, of up to `LONGEST` characters, by the id of the caption; others stay as they are.

    Returns:
        How many are different now.
    """
    changed = 0
    with transaction.atomic():
        lock_stream(airing.event_id)
        for row in airing.captions.filter(pk__in=texts):
            text = clean_line(texts[row.pk])[:LONGEST]
            if text != row.text:
                changed += 1
                _change(airing, row, text)
    return changed


def _change(airing: Airing, row: Caption, text: str) -> None:
    retract(airing.event_id, [row.pk])
    publish(airing.event_id, "caption", {"id": str(row.pk), "text": ""})
    if not text:
        row.delete()
        return
    row.text, row.is_corrected = text, True
    row.save(update_fields=["text", "is_corrected", "changed_at"])
    if airing.ended_at is None:
        publish(airing.event_id, "caption", content(row), about=row.pk)
