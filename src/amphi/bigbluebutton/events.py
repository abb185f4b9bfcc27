"""The events of bbb-webhooks, as typed objects."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The fields that every event has.

    Attributes:
        meeting_id: the external id: check that it is the meeting whose address was called.
        internal_meeting_id: BigBlueButton's internal id.
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
    """Somebody joined."""

    user_id: str
    external_user_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLeft(Event):
    """Somebody left."""

    user_id: str
    external_user_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaised(Event):
    """Somebody raised a hand, or lowered it if `raised` is false.

    Attributes:
        name: often empty, since BigBlueButton's own message does not contain it.
        is_emoji: the event is about an emoji. Before 2.7 the hand was an emoji, and any other emoji lowered it; since then emojis
            have nothing to do with hands.
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
        id: the message's id, the same in a repeated delivery; made here for bbb-webhooks 2, which sends none.
        text: BigBlueButton's text, which may be HTML: see `chat.strip_html`.
        sender_user_id: the internal id, ``w_…`` for a person.
        sender_external_id: the user id in the join URL; empty for messages sent by the API, and for all before bbb-webhooks 3.4.
    """

    id: str
    text: str
    sender_name: str
    sender_user_id: str
    sender_external_id: str
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PollStarted(Event):
    """A poll was opened; `answers` are pairs of an answer's id and text."""

    poll_id: str
    question: str
    answers: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResponded(Event):
    """Somebody answered a poll.

    Attributes:
        user_id: the presenter, who receives the answer; not the person who gave it.
    """

    poll_id: str
    user_id: str
    answer_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationChanged(Event):
    """Another document is shown. That a page of one was turned is not reported."""

    presentation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptUpdated(Event):
    """The meeting's transcription knows more of what somebody says. Since bbb-webhooks 3.5.

    Attributes:
        transcript_id: the same for all updates of one sentence.
        text: see `transcripts.continued`.
        locale: the language that the speaker chose, as ``fr-FR``.
        is_final: whether the sentence is complete; True where the meeting server does not say.
    """

    transcript_id: str
    text: str
    locale: str
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(Event):
    """A recording can be watched."""

    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """An event of another kind, or one without the fields that its kind needs."""

    kind: str


AnyEvent: TypeAlias = (
    MeetingEnded
    | UserJoined
    | UserLeft
    | HandRaised
    | ChatMessage
    | PollStarted
    | PollResponded
    | PresentationChanged
    | TranscriptUpdated
    | RecordingReady
    | Unknown
)
