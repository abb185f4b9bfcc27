"""What can't be done with meetings.

- `MeetingError`: any of them; its message is for the person who asked.
    - `TooManyInvitationsError`: more mail than one person may send.
"""


class MeetingError(Exception):
    """Any of them; its message is for the person who asked."""


class TooManyInvitationsError(MeetingError):
    """More mail than one person may send."""
