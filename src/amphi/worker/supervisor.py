"""One look at a livestream: gather, decide, write, make the calls that follow.

A decision is written only if state, job and lease are still those it was made for, so a late one changes nothing. Webhooks and
callbacks only make a look happen sooner; the look asks the systems itself.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from amphi.webinars import removal, transitions
from amphi.webinars.models import Livestream
from amphi.worker import calls
from amphi.worker.answers import decide_answer
from amphi.worker.decision import Decision
from amphi.worker.gathering import gather
from amphi.worker.rules import decide

log = logging.getLogger("webinar")


def look(livestream: Livestream) -> timedelta | None:
    """Look at one livestream once.

    Args:
        livestream: as read after it was claimed.

    Returns:
        After what time to look again; None when nothing runs any more.
    """
    now = timezone.now()
    # By the time of the answers: how long pictures have not come counts while others are waited for, too.
    decision = decide(livestream, gather(livestream, now), timezone.now())
    look_in = decision.look_in
    if _write(livestream, decision, state=livestream.state):
        waiting = decision.calls
        while waiting:
            call = waiting.pop(0)
            answer = calls.make(livestream, call, now)
            then = decide_answer(livestream, call, answer, timezone.now())
            if not _write(livestream, then):
                break
            waiting += then.calls
            look_in = then.look_in or look_in
    if livestream.removal and not removal.is_under_way(livestream) and removal.finish(livestream):
        return None
    return look_in if _is_to_be_watched(livestream) else None


def _is_to_be_watched(livestream: Livestream) -> bool:
    return bool(
        livestream.is_running or livestream.ends_meeting or livestream.removal or livestream.meeting.is_open
    )


def _write(livestream: Livestream, decision: Decision, **guard: object) -> bool:
    """Write a decision and update `livestream`. False, and nothing written, when state, job or lease have changed.

    For an answer to a call, `guard` has no state: the answer is about the job, also when the state has changed meanwhile.
    """
    columns = decision.columns
    if decision.trigger:
        return transitions.apply(
            livestream, decision.trigger, user=None, reason=decision.reason, by_lease=True, **columns
        )
    if decision.replaces_job:
        meeting = livestream.meeting
        why = columns.get("last_error"), columns.get("last_error_detail")
        log.warning("job of meeting %s “%s” is replaced: %s %s", meeting.pk, meeting.name, *why)
        return transitions.replace_job(livestream, **columns)
    if not columns:
        return True
    held = Livestream.objects.filter(
        pk=livestream.pk, job_id=livestream.job_id, claimed_by=livestream.claimed_by, **guard
    )
    if not held.update(**columns):
        return False
    for name, value in columns.items():
        setattr(livestream, name, value)
    return True
