"""A livestream's row and what a look sees of it, for tests of what follows."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from amphi.bigbluebutton import MeetingInfo
from amphi.meetings.models import Meeting
from amphi.sipmediagw import (
    GatewayFailedError,
    JobStatus,
)
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker.decision import (
    Decision,
    LowerHands,
)
from amphi.worker.probe import Playlist
from amphi.worker.seen import MeetingSeen, Seen

NOW = datetime(2026, 10, 25, 10, tzinfo=UTC)
S = timedelta(seconds=1)
INFO = MeetingInfo(
    meeting_id="m",
    internal_id="life-1",
    name="m",
    create_time_ms=0,
    start_time_ms=0,
    end_time_ms=0,
    running=True,
    forcibly_ended=False,
    has_user_joined=True,
    recording=False,
    is_breakout=False,
    duration_minutes=0,
    participant_count=2,
    listener_count=0,
    voice_participant_count=0,
    video_count=0,
    moderator_count=1,
    max_users=0,
    attendee_password="",
    moderator_password="",
    metadata={},
    attendees=(),
)
THERE = MeetingSeen(is_known=True, info=INFO)
GONE = MeetingSeen(is_known=False)
JOINING = JobStatus(state="joining")
ON_AIR = JobStatus(state="on_air", chat_shown=False)
PLAYLIST = Playlist(mark="new", ended=False, target_duration_s=2)
FAILED = GatewayFailedError("HTTP status 500")


def row(
    state: State, *, dialect: str = "amphi", meeting: dict[str, Any] | None = None, **columns: Any
) -> Livestream:
    """A livestream that has been in `state` for five seconds; whose job, if it would have one, was taken ten seconds ago."""
    at_work = state in {State.STARTING, State.LIVE, State.RECOVERING}
    defaults = {
        "state_since": NOW - 5 * S,
        "start_asked_at": NOW - 20 * S,
        "ends_at": NOW + timedelta(hours=1),
        "job_id": uuid.UUID(int=1),
        "job_since": NOW - 20 * S,
        "gateway_asked_at": NOW - 10 * S if at_work else None,
        "media_mark": "old" if state == State.LIVE else "",
        "media_target_s": 2,
        "media_seen_at": NOW - 2 * S if state == State.LIVE else None,
        "hook_asked_at": NOW - 10 * S,
        "has_hook": True,
    }
    return Livestream(
        pk=1,
        state=state,
        meeting=Meeting(pk=1, **{"enable_chat": True, "started_at": NOW - 60 * S} | (meeting or {})),
        gateway=LiveGateway(pk=1, dialect=dialect),
        **defaults | columns,
    )


def see(**more: Any) -> Seen:
    """All is well, unless `more` says otherwise."""
    return replace(Seen(job=ON_AIR, playlist=PLAYLIST, meeting=THERE), **more)


def changed(decision: Decision) -> dict[str, Any]:
    """The columns that are decided, without those that every look at a meeting notes."""
    noted = {"participants", "participants_seen_at", "session_id"}
    return {name: value for name, value in decision.columns.items() if name not in noted}


def asked(decision: Decision) -> list[type]:
    return [type(call) for call in decision.calls if not isinstance(call, LowerHands)]


STARTING, LIVE, RECOVERING, STOPPING = State.STARTING, State.LIVE, State.RECOVERING, State.STOPPING
