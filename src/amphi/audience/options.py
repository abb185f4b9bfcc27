"""What presenters choose for the discussion of a webinar."""

from dataclasses import dataclass

from django.db import transaction

from amphi.accounts.models import User
from amphi.audience.domain import publish_chat_setting
from amphi.audience.models import Event

MOST_WORDS = 200
LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class DiscussionOptions:
    """How the discussion of an event goes; the names are the columns'.

    Attributes:
        chat_mode: one of `ChatMode`.
        slow_s: seconds between two messages of one listener, in slow mode.
        guests_may_write: whether people without an account may, under a name they choose.
        names_hidden: whether listeners' names are shown to presenters and moderators only.
        held_words: one a line; a message that holds one waits for approval.
        to_meeting: one of `ToMeeting`.
        to_meeting_votes: how many votes a question needs to be sent into the meeting.
    """

    chat_mode: str
    slow_s: int
    guests_may_write: bool
    names_hidden: bool
    held_words: str
    to_meeting: str
    to_meeting_votes: int


def change_discussion(event: Event, options: DiscussionOptions) -> None:
    """Have the discussion of `event` go as `options` say, and tell its listeners."""
    with transaction.atomic():
        for name in DiscussionOptions.__slots__:
            setattr(event, name, getattr(options, name))
        event.save(update_fields=DiscussionOptions.__slots__)
        publish_chat_setting(event)


def set_moderators(event: Event, people: list[User]) -> None:
    """Name the moderators of `event`; its owner needs no such name."""
    event.moderators.set([person for person in people if person.pk != event.owner_id])
