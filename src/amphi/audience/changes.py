"""After an event is renamed or moved: updates calendars, and letters to people who wait for it."""

from django.utils import timezone

from amphi.audience import letters
from amphi.audience.models import Event

_SHOWN = ("title", "description", "start_at", "end_at")
"""The columns of an event that calendars show."""


def shown(event: Event) -> dict[str, object]:
    """What calendars show of `event`. Call it before a change, and pass the result to `note` afterwards."""
    return {name: getattr(event, name) for name in _SHOWN}


def note(event: Event, before: dict[str, object]) -> None:
    """Have calendars and letters follow `event` if it differs from `before`. The caller saves `event`."""
    if shown(event) == before:
        return
    event.calendar_sequence += 1
    event.calendar_stamp = timezone.now()
    if event.pk is not None:
        letters.look_again(event)
