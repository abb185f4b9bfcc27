"""What a look may decide: columns to write, a transition, calls to make, when to look again. `rules` decides which."""

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
LATEST_LOOK = IN_NO_HURRY + timedelta(seconds=10)
"""Nobody plans a look so far ahead: such a time comes from a clock that is ahead, or was."""
AT_ONCE = timedelta()
BACK_AFTER = timedelta(seconds=0.2)
"""A gateway that was killed while it was on air is started again within seconds; listeners see the slate for as long as nobody notices."""
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
class ShowLayout:
    """Bring slides, cameras or both into the picture."""

    layout: str


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
    """Move the webinars that soon need this gateway to others."""


@dataclass(frozen=True, slots=True)
class ReplaceGateway:
    """Move the live to another gateway, if one is free."""

    reason: str


Call = (
    StartJob
    | StopJob
    | ShowChat
    | ShowLayout
    | EndMeeting
    | NoteMeetingEnd
    | LowerHands
    | WarnOfLimit
    | MakeWay
    | ReplaceGateway
)
Answer = JobStatus | GatewayError | bool | str | None
"""A gateway's answer, what the picture has now, or whether the call succeeded. None: nothing follows from it."""


@dataclass
class Decision:
    """What to write in one statement, and which calls to make afterwards.

    Attributes:
        look_in: when to look again, unless somebody requests a look sooner.
        columns: columns of the livestream to write.
        trigger: one of `transitions.TRIGGERS`; empty for no transition.
        reason: of the transition, or of the job's replacement.
        replaces_job: give the livestream a new gateway job and retire the old one.
        calls: to make in this order, once the rest is written.
    """

    look_in: timedelta | None
    columns: dict[str, Any] = field(default_factory=dict)
    trigger: str = ""
    reason: str = ""
    replaces_job: bool = False
    calls: list[Call] = field(default_factory=list)


@dataclass
class Draft(Decision):
    """A decision while the rules build it."""

    row: Livestream = field(kw_only=True)
    seen: Seen = field(kw_only=True)
    now: datetime = field(kw_only=True)

    def value(self, column: str) -> Any:
        """The value of a column after this decision."""
        return self.columns.get(column, getattr(self.row, column))

    def note_error(self, error: str, detail: str) -> None:
        self.columns |= {"last_error": error[:40], "last_error_detail": detail[:500]}

    def fail(self, error: GatewayError) -> None:
        """Note a gateway's error, and look again after a pause."""
        self.note_error(error.code, str(error))
        self.look_in = AFTER_ERROR

    def replace_job(self, error: str, detail: str) -> None:
        self.note_error(error, detail)
        self.replaces_job, self.look_in = True, AFTER_ERROR

    def pull(self, trigger: str, reason: str = "", **columns: Any) -> None:
        """Set the trigger of a transition, and drop a planned start of the job."""
        self.trigger, self.reason = trigger, reason
        self.columns |= columns
        starts = [call for call in self.calls if isinstance(call, StartJob)]
        for call in starts:
            self.calls.remove(call)
            del self.columns["start_may_come_until"]

    def done(self) -> Decision:
        """The finished decision."""
        return Decision(self.look_in, self.columns, self.trigger, self.reason, self.replaces_job, self.calls)
