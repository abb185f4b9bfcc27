"""What bbb-webhooks tells, as typed objects."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event says.

    Attributes:
        meeting_id: the external id: check that it is the meeting whose address was called.
        internal_meeting_id: BigBlueButton's own.
        sent_at_ms: milliseconds since the Unix epoch; 0 when the event does not say.
    """

    meeting_id: str
    internal_meeting_id: str = ""
    sent_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingEnded(Event):
    """The meeting is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserJoined(Event):
    """Somebody came in."""

    user_id: str
    external_user_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLeft(Event):
    """Somebody went."""

    user_id: str
    external_user_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaised(Event):
    """Somebody raised a hand, or, with `raised` false, took it down.

    Attributes:
        name: often empty: BigBlueButton's own message does not have it.
        is_emoji: told by an emoji, as before 2.7, where any emoji but the hand's takes the hand down; since then emojis say nothing
            of hands.
    """

    user_id: str
    external_user_id: str
    name: str
    raised: bool
    is_emoji: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage(Event):
    """Somebody wrote in the chat.

    Attributes:
        id: one per message, the same when it is delivered again; made here where bbb-webhooks 2 tells none.
        text: as BigBlueButton has it, which may hold HTML: see `chat.strip_html`.
        sender_user_id: the internal id, ``w_…`` for a person.
        sender_external_id: what the join URL gave; empty for a message sent by the API, and for everybody's before bbb-webhooks 3.4.
    """

    id: str
    text: str
    sender_name: str
    sender_user_id: str
    sender_external_id: str
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PollStarted(Event):
    """A poll is open; `answers` are the pairs of its answers' ids and texts."""

    poll_id: str
    question: str
    answers: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResponded(Event):
    """Somebody answered a poll.

    Attributes:
        user_id: who is told of the answer, which is the presenter, and not who gave it.
    """

    poll_id: str
    user_id: str
    answer_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(Event):
    """A recording can be watched."""

    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """An event of another kind, or one that lacks what its kind needs."""

    kind: str


AnyEvent: TypeAlias = (
    MeetingEnded
    | UserJoined
    | UserLeft
    | HandRaised
    | ChatMessage
    | PollStarted
    | PollResponded
    | RecordingReady
    | Unknown
)
