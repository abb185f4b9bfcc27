"""What follows when an event is called otherwise or moves: calendars, and letters to those who wait for it."""

from django.utils import timezone

from amphi.audience import letters
from amphi.audience.models import Event

_SHOWN = ("title", "description", "start_at", "end_at")
"""What calendars show of an event."""


def shown(event: Event) -> dict[str, object]:
    """What calendars show of `event`, to be given to `note` once it was changed."""
    return {name: getattr(event, name) for name in _SHOWN}


def note(event: Event, before: dict[str, object]) -> None:
    """Have calendars and letters follow `event`, if it shows something else than `before`; the caller saves it."""
    if shown(event) == before:
        return
    event.calendar_sequence += 1
    event.calendar_stamp = timezone.now()
    if event.pk is not None:
        letters.look_again(event)
