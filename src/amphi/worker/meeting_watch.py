"""The meeting of a livestream in BigBlueButton: whether it is there, what it tells by itself, its end."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from amphi.bigbluebutton import BigBlueButtonError, MeetingNotFoundError, WebhooksUnavailableError
from amphi.meetings import presence, server
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url, meeting_server
from amphi.webinars import participation, transitions
from amphi.webinars.models import Livestream, State
from amphi.worker import people
from amphi.worker.check import AFTER_ERROR, CONFIRM_AFTER, Check

log = logging.getLogger("webinar")

MISSES_TO_BELIEVE = 2
GONE_ON_AIR = timedelta(minutes=2)
"""How long BBB must not know a meeting that our gateway is in and whose pictures arrive: what is seen on air says that it goes on."""
ON_AIR_FOR = timedelta(seconds=10)
HOOK_EVERY = timedelta(seconds=60)


def meeting_is_over(check: Check, *, hint: bool) -> bool:
    """Whether the meeting ended: said twice, and by more than BBB not knowing it; else by time. `hint`: the gateway says it."""
    livestream = check.livestream
    there, over = _ask(check)
    if (there and not over) or (there is None and not hint):
        if livestream.meeting_misses:
            check.note(meeting_misses=0)
        return False
    misses = livestream.meeting_misses + 1
    check.note(meeting_misses=misses)
    if misses < MISSES_TO_BELIEVE:
        check.next_in = CONFIRM_AFTER
        return False
    if over or hint or presence.end_was_told(livestream.meeting, now=check.now):
        return True
    return presence.gone_for(livestream.meeting, now=check.now) >= _patience(check)


def _ask(check: Check) -> tuple[bool | None, bool]:
    """Whether BBB knows the meeting (None: no answer), and whether it calls it ended."""
    livestream = check.livestream
    try:
        info = meeting_server().meeting_info(livestream.meeting.bbb_id)
    except MeetingNotFoundError:
        presence.gone_for(livestream.meeting, now=check.now)
        return False, False
    except BigBlueButtonError as error:
        log.warning(
            "meeting_info for meeting %s “%s”: %s", livestream.meeting_id, livestream.meeting.name, error
        )
        return None, False
    presence.note_there(livestream.meeting)
    if not info.over:
        people.note_people(check, info)
    return True, info.over


def _patience(check: Check) -> timedelta:
    seen_at = check.livestream.media_seen_at
    has_pictures = seen_at is not None and check.now < seen_at + ON_AIR_FOR
    # Other gateways film the page that says “you left” for ever, so that their pictures prove nothing.
    return GONE_ON_AIR if has_pictures and check.is_in_meeting else presence.GONE_AFTER


def keep_hook(check: Check) -> None:
    """Have BBB tell us what happens: hooks die after some failed deliveries, so asking is repeated."""
    livestream = check.livestream
    if livestream.hook_checked_at is not None and check.now < livestream.hook_checked_at + HOOK_EVERY:
        return
    has_hook: bool | None
    try:
        meeting_server().create_hook(
            callback_url(livestream.meeting, "events"), meeting_id=livestream.meeting.bbb_id
        )
        has_hook = True
    except WebhooksUnavailableError:
        has_hook = False
    except BigBlueButtonError as error:
        log.warning(
            "create_hook for meeting %s “%s”: %s", livestream.meeting_id, livestream.meeting.name, error
        )
        has_hook = livestream.has_hook
    check.note(hook_checked_at=check.now, has_hook=has_hook)


def end_meeting(check: Check) -> None:
    """End the meeting in BBB, as somebody asked."""
    livestream = check.livestream
    try:
        server.end_meeting(livestream.meeting)
    except BigBlueButtonError:
        check.next_in = AFTER_ERROR
        return
    check.note(ends_meeting=False)
    meeting_has_ended(livestream, check.now)


def meeting_has_ended(livestream: Livestream, now: datetime) -> None:
    """Note that the meeting is over, and tell the listeners of a live that failed and was still waited for."""
    Meeting.objects.filter(pk=livestream.meeting_id, ended_at=None).update(ended_at=now)
    participation.forget(livestream)
    livestream.meeting.ended_at = livestream.meeting.ended_at or now
    if livestream.state == State.FAILED:
        with transaction.atomic():
            transitions.tell_listeners(livestream)
