"""Removing a webinar: at once when nothing of it runs, else after the worker has stopped what runs.

The request is kept in the livestream's row, so that a crash can't lose it.
"""

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.models import Event
from amphi.meetings import slides
from amphi.webinars import planning, transitions
from amphi.webinars.models import Livestream, Removal

log = logging.getLogger("webinar")


def must_stop_first(livestream: Livestream, kind: Removal) -> bool:
    """Whether something must be stopped first: a live, a gateway's job or, for a deletion, the meeting."""
    return is_under_way(livestream) or (kind == Removal.DELETE and livestream.meeting.is_open)


def is_under_way(livestream: Livestream) -> bool:
    """Whether the worker must still stop something."""
    return (
        livestream.is_running
        or livestream.ends_meeting
        or livestream.retiring_jobs.exists()
        or livestream.standby_jobs.exists()
    )


def ask(livestream: Livestream, kind: Removal, *, user: User) -> None:
    """Stop what runs, and have the worker remove the webinar afterwards; in the caller's transaction.

    Listeners see that the live is over; the event disappears from all lists.

    Args:
        livestream: locked by `planning.lock_livestream`.
        kind: `UNCHECK` keeps the meeting, which goes on; `DELETE` ends and deletes it too.
        user: who removes it.
    """
    Event.objects.filter(pk=livestream.event_id).update(is_draft=True)
    columns: dict[str, Any] = {"removal": kind}
    if kind == Removal.DELETE:
        columns["ends_meeting"] = True
    if not transitions.apply(livestream, transitions.STOP, user=user, reason=kind, **columns):
        # The live is stopping already, or only the meeting runs.
        Livestream.objects.filter(pk=livestream.pk).update(**columns, look_at=timezone.now())


def finish(livestream: Livestream) -> bool:
    """Remove a webinar of which nothing runs any more.

    Returns:
        False when the removal was cancelled, or something of it runs again.
    """
    with transaction.atomic():
        held = planning.lock(livestream.meeting)
        found = held.livestream if held is not None else None
        if held is None or found is None or not found.removal or is_under_way(found):
            return False
        meeting = held.meeting
        log.info("remove for meeting %s “%s”: %s", meeting.pk, meeting.name, found.removal)
        found.event.delete()
        if found.removal == Removal.DELETE:
            slides.forget(meeting)
            meeting.delete()
    return True
