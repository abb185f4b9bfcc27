"""Watching one livestream: look, decide, report by a transition.

All that is asked of other systems here is idempotent and has a time-out, and happens outside transactions. What is decided is
written guarded by the state and the job that it was decided for, so an answer that comes late changes nothing. Webhooks and
callbacks only make a check happen sooner: what they say is never believed, it is looked up.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from amphi import sipmediagw
from amphi.webinars import rebooking, removal, transitions
from amphi.webinars.models import Livestream, State
from amphi.worker import gateways, jobs, meeting_chat, meeting_watch, probe
from amphi.worker.check import AFTER_ERROR, Check

log = logging.getLogger("webinar")

LOOK_EVERY = {
    State.STARTING: timedelta(seconds=0.25),
    State.LIVE: timedelta(seconds=2),
    State.RECOVERING: timedelta(seconds=0.5),
    State.STOPPING: timedelta(seconds=0.25),
}
IN_NO_HURRY = timedelta(seconds=20)
EAGER_FOR = timedelta(seconds=15)
START_GIVES_UP = timedelta(minutes=3)
RECOVERY_GIVES_UP = timedelta(minutes=10)
STOP_GIVES_UP = timedelta(minutes=2)
OVERRUN_EVERY = timedelta(seconds=30)
LIMIT_WARNING = timedelta(minutes=15)


def look(livestream: Livestream) -> timedelta | None:
    """Look at one livestream once.

    Returns:
        When to look again, or None when nothing runs any more.
    """
    state = State(livestream.state)
    check = Check(livestream, timezone.now(), {}, LOOK_EVERY.get(state, IN_NO_HURRY))
    if state in {State.STARTING, State.RECOVERING}:
        _bring_on_air(check)
    elif state == State.LIVE:
        _watch(check)
    elif state == State.STOPPING:
        _stop(check)
    elif livestream.ends_meeting:
        meeting_watch.end_meeting(check)
    elif livestream.meeting.is_open and meeting_watch.meeting_is_over(check, hint=False):
        meeting_watch.meeting_has_ended(livestream, check.now)
    if check.columns:
        Livestream.objects.filter(
            pk=livestream.pk, job_id=livestream.job_id, claimed_by=livestream.claimed_by
        ).update(**check.columns)
    if livestream.removal and not removal.is_under_way(livestream) and removal.finish(livestream):
        return None
    return check.next_in if _is_to_be_watched(livestream) else None


def _is_to_be_watched(livestream: Livestream) -> bool:
    return bool(
        livestream.is_running or livestream.ends_meeting or livestream.removal or livestream.meeting.is_open
    )


def _apply(check: Check, event: str, *, reason: str = "", **columns: object) -> bool:
    return transitions.apply(check.livestream, event, user=None, reason=reason, by_lease=True, **columns)


def _media_advances(check: Check) -> probe.Playlist | None:
    """Look at the playlist; note whether it advanced since the last look."""
    livestream = check.livestream
    playlist = probe.probe(livestream)
    if playlist is not None and not playlist.ended and playlist.mark != livestream.media_mark:
        seen_before = bool(livestream.media_mark)
        check.note(media_mark=playlist.mark)
        if seen_before:
            check.note(media_seen_at=check.now)
    return playlist


def _finish_if_over(check: Check, *, hint: bool) -> bool:
    livestream = check.livestream
    limit = _hard_limit(livestream)
    if limit is not None and check.now >= limit:
        return _apply(check, transitions.STOP, reason="max_duration", ends_meeting=True)
    if meeting_watch.meeting_is_over(check, hint=hint):
        meeting_watch.meeting_has_ended(livestream, check.now)
        return _apply(check, transitions.MEETING_ENDED)
    return False


def _mind_the_clock(check: Check) -> None:
    """Make way for others when the live runs over its end, and warn before the hard limit."""
    livestream = check.livestream
    checked_at = livestream.overrun_checked_at
    due = checked_at is None or check.now >= checked_at + OVERRUN_EVERY
    if due and check.now >= livestream.ends_at:
        rebooking.make_way(livestream, check.now)
        check.note(overrun_checked_at=check.now)
    limit = _hard_limit(livestream)
    if limit is not None and livestream.limit_warned_at is None and check.now >= limit - LIMIT_WARNING:
        meeting_chat.announce(
            livestream.meeting,
            gettext("The live will stop by itself at %(time)s: the longest duration is reached.")
            % {"time": timezone.localtime(limit).strftime("%H:%M")},
        )
        check.note(limit_warned_at=check.now)


def _hard_limit(livestream: Livestream) -> datetime | None:
    """When the live is stopped, whoever forgot it."""
    if livestream.asked_at is None:
        return None
    return livestream.asked_at + timedelta(hours=settings.MEETING_MAX_DURATION)


def _bring_on_air(check: Check) -> None:
    livestream = check.livestream
    patience = START_GIVES_UP if livestream.state == State.STARTING else RECOVERY_GIVES_UP
    # First, since a meeting server without webhooks has the gateway film the chat.
    meeting_watch.keep_hook(check)
    ended_hint = jobs.keep_job_alive(check)
    if livestream.gateway_asked_at is not None:  # else what comes is another job's
        _media_advances(check)
    if livestream.media_seen_at is not None and livestream.media_seen_at > livestream.state_since:
        _apply(check, transitions.MEDIA_SEEN)
        return
    if _finish_if_over(check, hint=ended_hint):
        return
    if check.now > livestream.state_since + EAGER_FOR:
        check.next_in = max(check.next_in, AFTER_ERROR)
        _have_another_gateway(check)
    if check.now > livestream.state_since + patience:
        reason = livestream.last_error or "no_media"
        _apply(check, transitions.GIVE_UP, reason=reason, last_error=reason)


def _have_another_gateway(check: Check) -> None:
    """Leave a gateway that does not do its work, for one that is free; one that joined the meeting is given its time."""
    livestream = check.livestream
    error, since = livestream.last_error, livestream.job_since or livestream.state_since
    if check.now < since + EAGER_FOR or not error.startswith("gateway_"):
        return
    if rebooking.replace_gateway(livestream, reason=error):
        # What this check noted was about the gateway that was left.
        check.columns.clear()


def _watch(check: Check) -> None:
    livestream = check.livestream
    playlist = _media_advances(check)
    ended_hint = jobs.keep_job_alive(check)
    if _finish_if_over(check, hint=ended_hint):
        return
    meeting_watch.keep_hook(check)
    _mind_the_clock(check)
    if livestream.meeting_misses:
        return
    target = playlist.target_duration_s if playlist is not None else probe.DEFAULT_TARGET_DURATION_S
    stale_after = timedelta(seconds=max(6, 3 * target))
    ended = playlist is not None and playlist.ended
    if ended or check.now > (livestream.media_seen_at or livestream.state_since) + stale_after:
        _apply(check, transitions.MEDIA_LOST)


def _stop(check: Check) -> None:
    livestream = check.livestream
    if livestream.ends_meeting:
        meeting_watch.end_meeting(check)
    try:
        gateway = gateways.gateway_for(livestream.gateway)
        status = gateway.stop(gateways.job_ref(livestream))
        log.info(
            "stop_rtmp_gateway for meeting %s “%s”: %s",
            livestream.meeting_id,
            livestream.meeting.name,
            status.state,
        )
    except sipmediagw.GatewayError as error:
        jobs.gateway_error(check, "stop_rtmp_gateway", error)
        if check.now > livestream.state_since + STOP_GIVES_UP:
            _apply(check, transitions.GIVE_UP, reason=error.code)
        return
    if status.state in {"idle", "unknown"}:
        _apply(check, transitions.GATEWAY_IDLE)
