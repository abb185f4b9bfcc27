"""What can't be done with meetings.

MeetingError
├── MeetingServerError         the meeting server did not do what was asked
├── TooManyInvitationsError    more mail than one person may send
└── TooManySlidesError         more slides than one person may keep
"""


class MeetingError(Exception):
    """Something that a person asked for was not done; the text is a translated sentence for them."""


class MeetingServerError(MeetingError):
    """The meeting server did not answer, or refused."""


class TooManyInvitationsError(MeetingError):
    """More mail than one person may send."""


class TooManySlidesError(MeetingError):
    """More slides than one person may keep."""
