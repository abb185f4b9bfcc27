"""What can go wrong in the life of a webinar.

MeetingError
└── WebinarError
    ├── TransitionRefusedError   the livestream is not in a state for this
    ├── MeetingDeletedError      the meeting is gone, or is going
    └── GatewayTakenError        a live that runs can't have these hours
"""

from amphi.meetings.exceptions import MeetingError


class WebinarError(MeetingError):
    """Something a presenter asked for was not done; the text is a translated sentence for them."""


class TransitionRefusedError(WebinarError):
    """The livestream is not in a state in which this can be asked."""


class MeetingDeletedError(WebinarError):
    """The meeting was deleted since it was read, or is being deleted."""


class GatewayTakenError(WebinarError):
    """A live that runs stays on its gateway, and others need that in the hours that were asked."""
