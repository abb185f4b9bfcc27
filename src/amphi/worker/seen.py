"""What one look sees of the systems around a livestream. Values only: `gathering` reads them, `rules` decides."""

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
        is_over: the server says that it ended.
        info: the server's answer about a running meeting.
        gone_for: for how long the server has not known the meeting.
        end_was_told: a webhook or callback reported, a moment ago, that the meeting ended.
    """

    is_known: bool | None
    is_over: bool = False
    info: MeetingInfo | None = None
    gone_for: timedelta = timedelta()
    end_was_told: bool = False


@dataclass(frozen=True, slots=True)
class HookSeen:
    """Whether our webhook is registered at BigBlueButton; None when that is not known."""

    has_hook: bool | None


@dataclass(frozen=True, slots=True)
class JobBefore:
    """A job on the same gateway that must be stopped first: since when, and the last error."""

    since: datetime
    error: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look saw; None where it did not ask.

    Attributes:
        asked_at: when they were asked; None for now.
        job: the gateway's answer about the job, or the error.
        job_before: another job for which a start must wait.
        gateway_is_taken: another live, started earlier, still uses the gateway.
        playlist: None also when there is none.
        longest: how long a live may run.
    """

    asked_at: datetime | None = None
    hook: HookSeen | None = None
    job: JobStatus | GatewayError | None = None
    job_before: JobBefore | None = None
    gateway_is_taken: bool = False
    playlist: Playlist | None = None
    meeting: MeetingSeen | None = None
    longest: timedelta = timedelta(hours=5)
