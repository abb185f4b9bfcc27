"""Decides what to do about a livestream. Pure: no database, clock, settings or calls; the row, what was seen and the time go in."""

import copy
from datetime import datetime, timedelta

from amphi.meetings import presence
from amphi.sipmediagw import JobStatus
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State
from amphi.worker import people
from amphi.worker.decision import (
    AFTER_ERROR,
    CONFIRM_AFTER,
    IN_NO_HURRY,
    LOOK_EVERY,
    Decision,
    Draft,
    EndMeeting,
    LowerHands,
    MakeWay,
    NoteMeetingEnd,
    ReplaceGateway,
    StopJob,
    WarnOfLimit,
)
from amphi.worker.job_rules import is_ours, keep_job_alive
from amphi.worker.probe import DEFAULT_TARGET_DURATION_S
from amphi.worker.seen import Seen

ON_ITS_WAY = frozenset({State.STARTING, State.LIVE, State.RECOVERING})
EAGER_FOR = timedelta(seconds=15)
START_GIVES_UP = timedelta(minutes=3)
RECOVERY_GIVES_UP = timedelta(minutes=10)
OVERRUN_EVERY = timedelta(seconds=30)
LIMIT_WARNING = timedelta(minutes=15)
HOOK_EVERY = timedelta(seconds=60)

PAST = (
    "state_since",
    "start_asked_at",
    "job_since",
    "gateway_asked_at",
    "media_seen_at",
    "hook_asked_at",
    "made_way_at",
)
"""What happened at these times has happened."""
LONGEST_TARGET_S = 600
MISSES_TO_BELIEVE = 2
GONE_ON_AIR = timedelta(minutes=2)
"""How long BBB must not know a meeting that our gateway is in and whose pictures arrive: they are evidence that it goes on."""
ON_AIR_FOR = timedelta(seconds=10)
SOUND_COMES_WITHIN = timedelta(seconds=15)
"""Gateways that join slowly send the picture first; and a live that goes on elsewhere, or recovers, begins so again."""
NO_SOUND_SENT = "no_sound_sent"
STILL_THERE = frozenset({"", "no_sound", "frozen", "black", "silent"})
"""Reasons of a job on air that say nothing against the meeting's being there."""


def must_ask_for_hook(row: Livestream, now: datetime) -> bool:
    """Whether it is time to register our webhook at BBB again."""
    return row.hook_asked_at is None or now >= row.hook_asked_at + HOOK_EVERY


def decide(row: Livestream, seen: Seen, now: datetime) -> Decision:
    """Decide what to do about a livestream.

    Args:
        row: the livestream, as read before anything was asked.
        seen: what the systems around it answered.
        now: when all had answered.
    """
    every = LOOK_EVERY.get(State(row.state), IN_NO_HURRY)
    row, stepped = _without_times_to_come(row, now)
    draft = Draft(every, row=row, seen=seen, now=now, columns=stepped)
    if seen.hook is not None:
        draft.columns |= {"hook_asked_at": now, "has_hook": seen.hook.has_hook}
    _note_people(draft)
    if row.state in {State.STARTING, State.RECOVERING}:
        _bring_on_air(draft)
    elif row.state == State.LIVE:
        _watch(draft)
    else:
        if row.ends_meeting:
            draft.calls.append(EndMeeting())
        elif row.state != State.STOPPING and seen.meeting is not None and _meeting_is_over(draft, hint=False):
            draft.calls.append(NoteMeetingEnd())
        if row.state == State.STOPPING:
            draft.calls.append(StopJob())
    return draft.done()


def _without_times_to_come(row: Livestream, now: datetime) -> tuple[Livestream, dict[str, datetime]]:
    """The row as if what is noted to have been later than now were now, and the columns to write for that.

    A clock that was ahead, this machine's before it was set right or another's, wrote them. Until they had passed nothing would be
    believed to follow them: pictures that come now would be older than the start.
    """
    ahead = {name: now for name in PAST if (at := getattr(row, name)) is not None and at > now}
    if ahead:
        row = copy.copy(row)
        for name, at in ahead.items():
            setattr(row, name, at)
    return row, ahead


def _note_people(draft: Draft) -> None:
    info = draft.seen.meeting.info if draft.seen.meeting is not None else None
    if info is None:
        return
    draft.columns |= people.columns(draft.row.meeting, info, draft.now)
    if (info.attendees or info.participant_count == 0) and draft.value("has_hook"):
        draft.calls.append(LowerHands(info))


def _bring_on_air(draft: Draft) -> None:
    row, now = draft.row, draft.now
    ended_hint = keep_job_alive(draft)
    if not draft.replaces_job:
        _note_media(draft)
        seen_at = draft.value("media_seen_at")
        if seen_at is not None and seen_at > row.state_since:
            draft.pull(transitions.MEDIA_SEEN)
            return
    if _finish_if_over(draft, hint=ended_hint):
        return
    patience = START_GIVES_UP if row.state == State.STARTING else RECOVERY_GIVES_UP
    if now > row.state_since + patience:
        reason = draft.value("last_error") or "no_media"
        draft.pull(transitions.GIVE_UP, reason, last_error=reason)
    elif now > row.state_since + EAGER_FOR:
        if draft.look_in is not None:
            draft.look_in = max(draft.look_in, AFTER_ERROR)
        _leave_gateway(draft)


def _leave_gateway(draft: Draft) -> None:
    """Move to another gateway when this one returns errors. One that merely takes long to show pictures is kept."""
    error, since = draft.value("last_error"), draft.row.job_since or draft.row.state_since
    if draft.now >= since + EAGER_FOR and error.startswith("gateway_") and not draft.replaces_job:
        draft.calls.append(ReplaceGateway(error))


def _watch(draft: Draft) -> None:
    row, now, playlist = draft.row, draft.now, draft.seen.playlist
    _note_media(draft)
    ended_hint = keep_job_alive(draft)
    if _finish_if_over(draft, hint=ended_hint):
        return
    _mind_the_sound(draft)
    _mind_the_clock(draft)
    if draft.value("meeting_misses"):
        return
    if playlist is None and draft.look_in is not None:
        draft.look_in = min(draft.look_in, CONFIRM_AFTER)
    stale_after = timedelta(seconds=max(6, 3 * (draft.value("media_target_s") or DEFAULT_TARGET_DURATION_S)))
    ended = playlist is not None and playlist.ended
    if ended or now > (draft.value("media_seen_at") or row.state_since) + stale_after:
        draft.pull(transitions.MEDIA_LOST)


def _note_media(draft: Draft) -> None:
    """Note whether the playlist advanced since the last look, by the publisher's media."""
    playlist, mark = draft.seen.playlist, draft.row.media_mark
    if playlist is not None and playlist.target_duration_s != draft.row.media_target_s:
        draft.columns["media_target_s"] = min(playlist.target_duration_s, LONGEST_TARGET_S)
    if playlist is None or playlist.ended or playlist.shows_slate or playlist.mark == mark:
        return
    draft.columns["media_mark"] = playlist.mark
    if mark:
        draft.columns["media_seen_at"] = draft.seen.asked_at or draft.now


def _mind_the_sound(draft: Draft) -> None:
    """Tell that listeners hear nothing, where their playlist has no sound and the gateway says nothing itself."""
    playlist, error = draft.seen.playlist, draft.value("last_error")
    was_told = draft.row.last_error == NO_SOUND_SENT
    is_missing = was_told if playlist is None else playlist.has_sound is False
    if is_missing and not error and draft.now >= draft.row.state_since + SOUND_COMES_WITHIN:
        draft.note_error(NO_SOUND_SENT, "the playlist names no codec of sound")
    elif not is_missing and error == NO_SOUND_SENT:
        draft.note_error("", "")


def _finish_if_over(draft: Draft, *, hint: bool) -> bool:
    limit = _hard_limit(draft)
    if limit is not None and draft.now >= limit:
        draft.pull(transitions.STOP, "max_duration", ends_meeting=True)
        return True
    if _meeting_is_over(draft, hint=hint):
        draft.pull(transitions.MEETING_ENDED)
        draft.calls.append(NoteMeetingEnd())
        return True
    return False


def _meeting_is_over(draft: Draft, *, hint: bool) -> bool:
    """Whether the meeting ended. Needs two looks in a row, and then either a statement that it ended or enough time without it.

    `hint`: the gateway says that it ended.
    """
    meeting = draft.seen.meeting
    if meeting is None:
        return False
    if (meeting.is_known and not meeting.is_over) or (meeting.is_known is None and not hint):
        if draft.row.meeting_misses:
            draft.columns["meeting_misses"] = 0
        return False
    misses = draft.row.meeting_misses + 1
    draft.columns["meeting_misses"] = misses
    if misses < MISSES_TO_BELIEVE:
        draft.look_in = CONFIRM_AFTER
        return False
    return meeting.is_over or hint or meeting.end_was_told or meeting.gone_for >= _patience(draft)


def _patience(draft: Draft) -> timedelta:
    seen_at, job = draft.value("media_seen_at"), draft.seen.job
    has_pictures = seen_at is not None and draft.now < seen_at + ON_AIR_FOR
    # Other gateways go on filming the page that says “you left”, so their pictures prove nothing.
    is_in_meeting = (
        is_ours(draft.row)
        and isinstance(job, JobStatus)
        and job.state == "on_air"
        and job.reason in STILL_THERE
    )
    return GONE_ON_AIR if has_pictures and is_in_meeting else presence.GONE_AFTER


def _mind_the_clock(draft: Draft) -> None:
    """Make way for others when the live runs past its end, and warn before the hard limit."""
    row, now = draft.row, draft.now
    due = row.made_way_at is None or now >= row.made_way_at + OVERRUN_EVERY
    if due and now >= row.ends_at:
        draft.calls.append(MakeWay())
        draft.columns["made_way_at"] = now
    limit = _hard_limit(draft)
    if limit is not None and row.limit_warned_at is None and now >= limit - LIMIT_WARNING:
        draft.calls.append(WarnOfLimit(limit))
        draft.columns["limit_warned_at"] = now


def _hard_limit(draft: Draft) -> datetime | None:
    """When a forgotten live is stopped; None before its start."""
    return draft.row.start_asked_at + draft.seen.longest if draft.row.start_asked_at is not None else None
