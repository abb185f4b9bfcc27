"""What listeners of an event may do besides writing, as its presenters choose."""

from collections.abc import Mapping

from django.db import transaction

from amphi.audience.domain import publish
from amphi.audience.models import Event

QUESTIONS = ("enable_questions", "questions_anonymous", "questions_approved")
PARTICIPATION = ("enable_reactions", "enable_hands", "stage_places")
MOST_PLACES = 10


def voices_content(event: Event) -> dict[str, object]:
    """The ``voices`` message of the event stream. Hands need a meeting to invite listeners into."""
    return {
        "questions": event.enable_questions,
        "anonymous": event.questions_anonymous,
        "reactions": event.enable_reactions,
        "hands": event.enable_hands and bool(event.state),
    }


def change(event: Event, values: Mapping[str, object]) -> None:
    """Set some of the columns named above, and publish what listeners may do now."""
    with transaction.atomic():
        for name, value in values.items():
            setattr(event, name, value)
        event.save(update_fields=list(values))
        publish(event.pk, "voices", voices_content(event))
