"""The options of a webinar's discussion."""

from dataclasses import dataclass

from django.db import transaction

from amphi.accounts.models import User
from amphi.audience.domain import publish_chat_setting
from amphi.audience.models import Event

MOST_WORDS = 200
LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class DiscussionOptions:
    """The options of an event's discussion; the names are those of the columns.

    Attributes:
        chat_mode: one of `ChatMode`.
        slow_s: the least time between two messages of one listener in slow mode, in seconds.
        guests_may_write: whether people without an account may write, under a name they choose.
        names_hidden: whether only presenters and moderators see listeners' names.
        held_words: one per line; a message with one of them waits for approval.
        to_meeting: one of `ToMeeting`.
        to_meeting_votes: how many votes a question needs before it is sent into the meeting.
    """

    chat_mode: str
    slow_s: int
    guests_may_write: bool
    names_hidden: bool
    held_words: str
    to_meeting: str
    to_meeting_votes: int


def change_discussion(event: Event, options: DiscussionOptions) -> None:
    """Change the options of `event`'s discussion, and publish them to its listeners."""
    with transaction.atomic():
        for name in DiscussionOptions.__slots__:
            setattr(event, name, getattr(options, name))
        event.save(update_fields=DiscussionOptions.__slots__)
        publish_chat_setting(event)


def set_chat_mode(event: Event, mode: str) -> None:
    """Have an open discussion go by `mode`, one of `ChatMode`."""
    with transaction.atomic():
        event.chat_mode = mode
        event.save(update_fields=["chat_mode"])
        publish_chat_setting(event)


def set_moderators(event: Event, people: list[User]) -> None:
    """Set the moderators of `event`; its owner is always one."""
    event.moderators.set([person for person in people if person.pk != event.owner_id])
