"""What one look sees of the systems around a livestream. Only values: who reads them is `gathering`, what follows is `rules`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from amphi.bigbluebutton import MeetingInfo
from amphi.sipmediagw import GatewayError, JobStatus
from amphi.worker.probe import Playlist


@dataclass(frozen=True, slots=True)
class MeetingSeen:
    """The meeting in BigBlueButton.

    Attributes:
        is_known: None when the server did not answer.
        is_over: the server knows it as ended.
        info: what it says of a meeting that goes on.
        gone_for: how long it has not known the meeting.
        end_was_told: it told by itself, a moment ago, that the meeting ended.
    """

    is_known: bool | None
    is_over: bool = False
    info: MeetingInfo | None = None
    gone_for: timedelta = timedelta()
    end_was_told: bool = False


@dataclass(frozen=True, slots=True)
class HookSeen:
    """Whether BigBlueButton tells us what happens: None when it did not say and nothing is known."""

    has_hook: bool | None


@dataclass(frozen=True, slots=True)
class JobBefore:
    """A job on the same gateway that is still to be stopped, since when, and why it was not."""

    since: datetime
    error: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen; None where nothing was asked.

    Attributes:
        job: what the gateway says of the job, or why it could not be asked.
        job_before: what a start has to wait for.
        gateway_is_taken: another live, asked for earlier, still has the gateway.
        playlist: None also when there is none.
        longest: how long a live may run.
    """

    hook: HookSeen | None = None
    job: JobStatus | GatewayError | None = None
    job_before: JobBefore | None = None
    gateway_is_taken: bool = False
    playlist: Playlist | None = None
    meeting: MeetingSeen | None = None
    longest: timedelta = timedelta(hours=5)
