"""What can't be done with meetings.

MeetingError
├── MeetingServerError         the meeting server did not do what was asked
├── TooManyInvitationsError    more emails than one person may send
└── TooManySlidesError         more slides than one person may keep
"""


class MeetingError(Exception):
    """A request could not be carried out. The text is a translated sentence for the person who made it."""


class MeetingServerError(MeetingError):
    """The meeting server did not answer, or refused."""


class TooManyInvitationsError(MeetingError):
    """More emails than one person may send."""


class TooManySlidesError(MeetingError):
    """More slides than one person may keep."""
