"""Watching one livestream: look, decide, report by a transition.

All that is asked of other systems here is idempotent and has a time-out, and happens outside transactions. What is decided is
written guarded by the state and the job that it was decided for, so an answer that comes late changes nothing. Webhooks and
callbacks only make a check happen sooner: what they say is never believed, it is looked up.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from amphi import sipmediagw
from amphi.bigbluebutton import BigBlueButtonError, MeetingNotFoundError, WebhooksUnavailableError
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url, meeting_server
from amphi.webinars import gateways, meeting_chat, probe, rebooking, transitions
from amphi.webinars.models import Livestream, State

log = logging.getLogger("webinar")

LOOK_EVERY = {
    State.STARTING: timedelta(seconds=0.25),
    State.LIVE: timedelta(seconds=2),
    State.RECOVERING: timedelta(seconds=0.5),
    State.STOPPING: timedelta(seconds=0.25),
}
CONFIRM_AFTER = timedelta(seconds=0.5)
AFTER_ERROR = timedelta(seconds=2)
IN_NO_HURRY = timedelta(seconds=20)
EAGER_FOR = timedelta(seconds=15)
START_GIVES_UP = timedelta(minutes=3)
RECOVERY_GIVES_UP = timedelta(minutes=10)
STOP_GIVES_UP = timedelta(minutes=2)
MISSES_TO_BELIEVE = 2
HOOK_EVERY = timedelta(seconds=60)
OVERRUN_EVERY = timedelta(seconds=30)
LIMIT_WARNING = timedelta(minutes=15)


@dataclass
class Check:
    """One look at one livestream, and what it decides to write back."""

    livestream: Livestream
    now: datetime
    columns: dict[str, object]
    next_in: timedelta

    def note(self, **columns: object) -> None:
        """Write `columns` when the check is over; later code of the same check sees them at once."""
        self.columns |= columns
        for name, value in columns.items():
            setattr(self.livestream, name, value)


def look(livestream: Livestream) -> timedelta | None:
    """Look at one livestream once.

    Returns:
        When to look again, or None when nothing runs any more.
    """
    state, job_id = State(livestream.state), livestream.job_id
    check = Check(livestream, timezone.now(), {}, LOOK_EVERY.get(state, IN_NO_HURRY))
    _retire_old_job(check)
    if state in {State.STARTING, State.RECOVERING}:
        _bring_on_air(check)
    elif state == State.LIVE:
        _watch(check)
    elif state == State.STOPPING:
        _stop(check)
    elif livestream.ends_meeting:
        _end_meeting(check)
    elif livestream.meeting.is_open and _meeting_is_over(check, hint=False):
        _meeting_has_ended(livestream, check.now)
    if check.columns:
        Livestream.objects.filter(pk=livestream.pk, job_id=job_id).update(**check.columns)
    return check.next_in if _is_to_be_watched(livestream) else None


def _is_to_be_watched(livestream: Livestream) -> bool:
    return bool(
        livestream.is_running
        or livestream.ends_meeting
        or livestream.retiring_job_id
        or livestream.meeting.is_open
    )


# --- the gateway


def _gateway_error(check: Check, call: str, error: sipmediagw.GatewayError) -> None:
    meeting = check.livestream.meeting
    log.warning(
        "%s for meeting %s “%s”: %s (EXCEPTION: %s)", call, meeting.pk, meeting.name, error.code, error
    )
    check.note(last_error=error.code[:40], last_error_detail=str(error)[:500])
    check.next_in = AFTER_ERROR


def _retire_old_job(check: Check) -> None:
    """Stop the job that another took the place of, before the new one sends to the same address."""
    livestream = check.livestream
    if livestream.retiring_job_id is None:
        return
    gateway = livestream.retiring_gateway or livestream.gateway
    job = sipmediagw.JobRef(
        job_id=str(livestream.retiring_job_id),
        room=livestream.meeting.room,
        remote_id=livestream.retiring_remote_id,
    )
    try:
        gateways.gateway_for(gateway).stop(job)
    except sipmediagw.GatewayError as error:
        if gateway == livestream.gateway:
            _gateway_error(check, "stop_rtmp_gateway", error)
        return
    check.note(retiring_job_id=None, retiring_remote_id="", retiring_gateway=None)


def _shows_chat(livestream: Livestream) -> bool:
    """The chat is filmed only where its messages can't reach the listeners' pages as text."""
    return livestream.meeting.enable_chat and livestream.has_hook is False


def _start_job(check: Check) -> None:
    livestream = check.livestream
    meeting = livestream.meeting
    if rebooking.must_wait(livestream):
        check.note(
            last_error="gateway_full", last_error_detail="another webinar still uses this live gateway"
        )
        check.next_in = AFTER_ERROR
        return
    shows_chat = _shows_chat(livestream)
    request = gateways.start_request(livestream, show_chat=shows_chat)
    try:
        status = gateways.gateway_for(livestream.gateway).start(request)
    except sipmediagw.GatewayError as error:
        _gateway_error(check, "start_rtmp_gateway", error)
        return
    log.info("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    check.note(gateway_asked_at=check.now, remote_id=status.remote_id, chat_shown=status.chat_shown)


def _job_status(check: Check) -> sipmediagw.JobStatus | None:
    livestream = check.livestream
    try:
        return gateways.gateway_for(livestream.gateway).status(gateways.job_ref(livestream))
    except sipmediagw.GatewayError as error:
        _gateway_error(check, "status_rtmp_gateway", error)
        return None


def _keep_job_alive(check: Check) -> bool:
    """Have the gateway's job run; whether the gateway says that the meeting is over."""
    livestream = check.livestream
    if livestream.retiring_job_id is not None and livestream.retiring_gateway == livestream.gateway:
        return False
    if livestream.gateway_asked_at is None:
        _start_job(check)
        return False
    status = _job_status(check)
    if status is None:
        return False
    if status.state == "idle":
        if status.reason == "meeting_ended":
            return True
        # It ended for a reason of its own: a new job takes its place.
        log.warning(
            "job of meeting %s “%s” ended: %s %s",
            livestream.meeting_id,
            livestream.meeting.name,
            status.reason,
            status.detail,
        )
        check.note(
            **transitions.new_job(livestream),
            last_error=status.reason[:40],
            last_error_detail=status.detail[:500],
        )
        check.next_in = AFTER_ERROR
    elif status.state == "unknown":
        check.note(gateway_asked_at=None)  # the gateway was restarted, and is asked again
        check.next_in = CONFIRM_AFTER
    elif status.reason:
        check.note(last_error=status.reason[:40], last_error_detail=status.detail[:500])
    _keep_chat_panel(check, status)
    return False


def _keep_chat_panel(check: Check, status: sipmediagw.JobStatus) -> None:
    livestream = check.livestream
    wanted = _shows_chat(livestream)
    shown = status.chat_shown if status.chat_shown is not None else livestream.chat_shown
    if status.state != "on_air" or shown == wanted:
        return
    try:
        confirmed = gateways.gateway_for(livestream.gateway).show_chat(gateways.job_ref(livestream), wanted)
    except sipmediagw.UnsupportedError:
        return
    except sipmediagw.GatewayError as error:
        _gateway_error(check, "toggle_rtmp_gateway", error)
        return
    check.note(chat_shown=confirmed)


# --- the meeting


def _meeting_is_over(check: Check, *, hint: bool) -> bool:
    """Whether the meeting ended, believed only after two looks in a row that say so; `hint`: the gateway says it."""
    livestream = check.livestream
    try:
        over = meeting_server().meeting_info(livestream.meeting.bbb_id).over
    except MeetingNotFoundError:
        over = True
    except BigBlueButtonError as error:
        log.warning(
            "meeting_info for meeting %s “%s”: %s", livestream.meeting_id, livestream.meeting.name, error
        )
        over = hint
    if not over:
        if livestream.meeting_misses:
            check.note(meeting_misses=0)
        return False
    misses = livestream.meeting_misses + 1
    check.note(meeting_misses=misses)
    check.next_in = CONFIRM_AFTER
    return misses >= MISSES_TO_BELIEVE


def _keep_hook(check: Check) -> None:
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


def _end_meeting(check: Check) -> None:
    """End the meeting in BBB, as somebody asked."""
    livestream = check.livestream
    try:
        meeting_server().end(livestream.meeting.bbb_id)
    except MeetingNotFoundError:
        pass
    except BigBlueButtonError as error:
        log.warning("end for meeting %s “%s”: %s", livestream.meeting_id, livestream.meeting.name, error)
        check.next_in = AFTER_ERROR
        return
    log.info("end for meeting %s “%s”: ok", livestream.meeting_id, livestream.meeting.name)
    check.note(ends_meeting=False)
    _meeting_has_ended(livestream, check.now)


def _meeting_has_ended(livestream: Livestream, now: datetime) -> None:
    Meeting.objects.filter(pk=livestream.meeting_id, ended_at=None).update(ended_at=now)
    livestream.meeting.ended_at = livestream.meeting.ended_at or now


# --- the states


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
        return transitions.apply(
            livestream, transitions.STOP, user=None, reason="max_duration", ends_meeting=True
        )
    if _meeting_is_over(check, hint=hint):
        _meeting_has_ended(livestream, check.now)
        return transitions.apply(livestream, transitions.MEETING_ENDED, user=None)
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
    ended_hint = _keep_job_alive(check)
    if livestream.gateway_asked_at is not None:  # else what comes is another job's
        _media_advances(check)
    if livestream.media_seen_at is not None and livestream.media_seen_at > livestream.state_since:
        transitions.apply(livestream, transitions.MEDIA_SEEN, user=None)
        return
    _keep_hook(check)
    if _finish_if_over(check, hint=ended_hint):
        return
    if check.now > livestream.state_since + EAGER_FOR:
        check.next_in = max(check.next_in, AFTER_ERROR)
        _have_another_gateway(check)
    if check.now > livestream.state_since + patience:
        reason = livestream.last_error or "no_media"
        if transitions.apply(livestream, transitions.GIVE_UP, user=None, reason=reason, last_error=reason):
            check.note(**transitions.new_job(livestream))  # whatever the job does by now, it is to be stopped


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
    ended_hint = _keep_job_alive(check)
    if _finish_if_over(check, hint=ended_hint):
        return
    _keep_hook(check)
    _mind_the_clock(check)
    if livestream.meeting_misses:
        return
    target = playlist.target_duration_s if playlist is not None else probe.DEFAULT_TARGET_DURATION_S
    stale_after = timedelta(seconds=max(6, 3 * target))
    ended = playlist is not None and playlist.ended
    if ended or check.now > (livestream.media_seen_at or livestream.state_since) + stale_after:
        transitions.apply(livestream, transitions.MEDIA_LOST, user=None)


def _stop(check: Check) -> None:
    livestream = check.livestream
    if livestream.ends_meeting:
        _end_meeting(check)
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
        _gateway_error(check, "stop_rtmp_gateway", error)
        if check.now > livestream.state_since + STOP_GIVES_UP:
            transitions.apply(livestream, transitions.GIVE_UP, user=None, reason=error.code)
            check.note(**transitions.new_job(livestream))  # the old one is still to be stopped
        return
    if status.state in {"idle", "unknown"}:
        transitions.apply(livestream, transitions.GATEWAY_IDLE, user=None)
