"""Forgetting a webinar: at once when nothing of it runs, else once the worker has stopped what runs.

What was asked is kept in the livestream's row, so that it is carried out whatever crashes in between.
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
    """Whether something runs that would go on without us: a live, a gateway's job, the meeting of a webinar that is deleted."""
    return is_under_way(livestream) or (kind == Removal.DELETE and livestream.meeting.is_open)


def is_under_way(livestream: Livestream) -> bool:
    """Whether the worker is still to stop something."""
    return livestream.is_running or livestream.ends_meeting or livestream.retiring_jobs.exists()


def ask(livestream: Livestream, kind: Removal, *, user: User) -> None:
    """Stop what runs, and have the worker forget the webinar afterwards; in the caller's transaction, the row locked.

    Listeners see that the live is over, and nobody finds it any more.

    Args:
        livestream: as `planning.lock_livestream` gives it.
        kind: whether the meeting stays and goes on, or ends and is deleted too.
        user: who asked.
    """
    Event.objects.filter(pk=livestream.event_id).update(is_draft=True)
    columns: dict[str, Any] = {"removal": kind}
    if kind == Removal.DELETE:
        columns["ends_meeting"] = True
    if not transitions.apply(livestream, transitions.STOP, user=user, reason=kind, **columns):
        # It is stopping already, or only its meeting is open.
        Livestream.objects.filter(pk=livestream.pk).update(**columns, look_at=timezone.now())


def finish(livestream: Livestream) -> bool:
    """Forget a webinar of which nothing runs any more, as was asked.

    Returns:
        False when it is wanted again, or something of it runs again.
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
