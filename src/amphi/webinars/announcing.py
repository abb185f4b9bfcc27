"""What other systems are told of webinars, in the transaction of each change."""

from collections.abc import Mapping

from django.conf import settings

from amphi.meetings.presence import told
from amphi.outbox import domain as outbox
from amphi.outbox.models import Kind
from amphi.webinars.models import Livestream, State

OVER = frozenset({State.STOPPED, State.FAILED})


def planned(livestream: Livestream) -> None:
    """It was scheduled, or has other hours."""
    outbox.tell(Kind.PLANNED, lambda: _content(livestream))


def changed(livestream: Livestream, old: State, changes: Mapping[str, object]) -> None:
    """A transition was applied.

    Args:
        livestream: as it is now.
        old: its state before.
        changes: the columns that were set.
    """
    if changes.get("start_asked_at") is not None:
        outbox.tell(Kind.STARTED, lambda: _content(livestream))
    if changes.get("went_live_at") is not None:
        outbox.tell(Kind.LIVE, lambda: _content(livestream))
    if livestream.state in OVER and old not in OVER:
        outbox.tell(Kind.STOPPED, lambda: _content(livestream) | {"reason": livestream.last_error})


def _content(livestream: Livestream) -> dict[str, object]:
    event = livestream.event
    return {
        "webinar": told(livestream.meeting)
        | {"event_url": settings.AMPHI_URL + event.get_absolute_url(), "state": str(livestream.state)}
    }
