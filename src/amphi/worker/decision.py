"""What a look may decide: columns to write, a transition, calls to make, when to look again. What it decides when: `rules`."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from amphi.bigbluebutton import MeetingInfo
from amphi.sipmediagw import GatewayError, JobStatus
from amphi.webinars.models import Livestream, State
from amphi.worker.seen import Seen

LOOK_EVERY = {
    State.STARTING: timedelta(seconds=0.25),
    State.LIVE: timedelta(seconds=2),
    State.RECOVERING: timedelta(seconds=0.5),
    State.STOPPING: timedelta(seconds=0.25),
}
IN_NO_HURRY = timedelta(seconds=20)
CONFIRM_AFTER = timedelta(seconds=0.5)
AFTER_ERROR = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class StartJob:
    """Have the gateway join the meeting."""

    show_chat: bool


@dataclass(frozen=True, slots=True)
class StopJob:
    """Have the gateway leave the meeting."""


@dataclass(frozen=True, slots=True)
class ShowChat:
    """Show or hide the chat in the picture."""

    shown: bool


@dataclass(frozen=True, slots=True)
class EndMeeting:
    """End the meeting in BigBlueButton."""


@dataclass(frozen=True, slots=True)
class NoteMeetingEnd:
    """Write down that the meeting is over."""


@dataclass(frozen=True, slots=True)
class LowerHands:
    """Lower the hands of those who left."""

    info: MeetingInfo


@dataclass(frozen=True, slots=True)
class WarnOfLimit:
    """Say in the meeting when the live will end by itself."""

    at: datetime


@dataclass(frozen=True, slots=True)
class MakeWay:
    """Give another gateway to the webinars that need this one soon."""


@dataclass(frozen=True, slots=True)
class ReplaceGateway:
    """Go on with another gateway, if one is free."""

    reason: str


Call = (
    StartJob
    | StopJob
    | ShowChat
    | EndMeeting
    | NoteMeetingEnd
    | LowerHands
    | WarnOfLimit
    | MakeWay
    | ReplaceGateway
)
Answer = JobStatus | GatewayError | bool | None
"""Of a gateway; or whether it was done. None: there is nothing to decide from."""


@dataclass
class Decision:
    """What is to be written, in one statement, and asked afterwards.

    Attributes:
        look_in: when to look again, unless somebody asks for it sooner.
        columns: of the livestream.
        trigger: of a transition, one of `transitions.TRIGGERS`.
        reason: of the transition, or why the job is replaced.
        replaces_job: a new job takes the place of the gateway's job.
        calls: to be made once all that is written, in this order.
    """

    look_in: timedelta | None
    columns: dict[str, Any] = field(default_factory=dict)
    trigger: str = ""
    reason: str = ""
    replaces_job: bool = False
    calls: list[Call] = field(default_factory=list)


@dataclass
class Draft(Decision):
    """A decision in the making."""

    row: Livestream = field(kw_only=True)
    seen: Seen = field(kw_only=True)
    now: datetime = field(kw_only=True)

    def value(self, column: str) -> Any:
        """A column as it will be."""
        return self.columns.get(column, getattr(self.row, column))

    def note_error(self, error: str, detail: str) -> None:
        self.columns |= {"last_error": error[:40], "last_error_detail": detail[:500]}

    def fail(self, error: GatewayError) -> None:
        """The gateway could not do what it was asked for."""
        self.note_error(error.code, str(error))
        self.look_in = AFTER_ERROR

    def replace_job(self, error: str, detail: str) -> None:
        self.note_error(error, detail)
        self.replaces_job, self.look_in = True, AFTER_ERROR

    def pull(self, trigger: str, reason: str = "", **columns: Any) -> None:
        """Bring a transition about. A job that was still to be started is not."""
        self.trigger, self.reason = trigger, reason
        self.columns |= columns
        starts = [call for call in self.calls if isinstance(call, StartJob)]
        for call in starts:
            self.calls.remove(call)
            del self.columns["start_may_come_until"]

    def done(self) -> Decision:
        """The decision that was made."""
        return Decision(self.look_in, self.columns, self.trigger, self.reason, self.replaces_job, self.calls)
