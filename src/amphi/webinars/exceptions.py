"""Errors of webinars.

MeetingError
└── WebinarError
    ├── TransitionRefusedError   the state of the livestream does not allow it
    ├── MeetingDeletedError      the meeting was deleted, or is being deleted
    ├── GatewayTakenError        a running live can't have these hours
    └── NoGatewayError           a planned webinar can't have these hours
"""

from typing import TYPE_CHECKING

from amphi.meetings.exceptions import MeetingError

if TYPE_CHECKING:
    from amphi.webinars.planning import NoGatewayFree


class WebinarError(MeetingError):
    """A presenter's request could not be carried out. The text is a translated sentence for them."""


class TransitionRefusedError(WebinarError):
    """The state of the livestream does not allow what was requested."""


class MeetingDeletedError(WebinarError):
    """The meeting was deleted since it was read, or is being deleted."""


class GatewayTakenError(WebinarError):
    """A running live stays on its gateway, but another webinar needs that gateway in the requested hours."""


class NoGatewayError(WebinarError):
    """No gateway is free in the hours to which a planned webinar was to move; `conflict` says why, and when one is."""

    def __init__(self, text: str, conflict: "NoGatewayFree") -> None:
        super().__init__(text)
        self.conflict = conflict
