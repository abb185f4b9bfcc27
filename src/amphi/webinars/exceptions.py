"""What can go wrong in the life of a webinar.

WebinarError
├── TransitionRefusedError   the livestream is not in a state for this
└── MeetingServerError       the meeting server did not do what was asked
"""


class WebinarError(Exception):
    """Something a presenter asked for was not done; the text is a translated sentence for them."""


class TransitionRefusedError(WebinarError):
    """The livestream is not in a state in which this can be asked."""


class MeetingServerError(WebinarError):
    """The meeting server did not answer, or refused."""
