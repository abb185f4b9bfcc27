"""What can go wrong in the life of a webinar.

MeetingError
└── WebinarError
    └── TransitionRefusedError   the livestream is not in a state for this
"""

from amphi.meetings.exceptions import MeetingError


class WebinarError(MeetingError):
    """Something a presenter asked for was not done; the text is a translated sentence for them."""


class TransitionRefusedError(WebinarError):
    """The livestream is not in a state in which this can be asked."""
