"""Meetings and the people in them: the classroom's state, without I/O. Times are seconds since the Unix epoch."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from amphi.classroom.exceptions import ApiError
from amphi.classroom.parameters import MeetingOptions
from amphi.classroom.slides import Slideshow

Role = Literal["MODERATOR", "VIEWER"]
Audio = Literal["none", "listen", "microphone"]
EndReason = Literal["ended", "expired", "duration", "no_moderator"]

MAX_PUBLISHERS = 6
MAX_LISTENERS = 12
MAX_CHAT_HISTORY = 500
# How long a place is kept for somebody who was sent to the page and hasn't opened it.
ENTRY_DELAY = timedelta(minutes=1)
# How long a participant stays in the room after their connection was lost.
RECONNECT_DELAY = timedelta(seconds=10)
# How long an ended meeting is remembered, as forcibly ended.
ENDED_DELAY = timedelta(minutes=1)

NOT_FOUND = ApiError("notFound", "A meeting with that ID does not exist")


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The person in a join call."""

    name: str
    role: Role
    external_id: str
    bot: bool = False
    guest: bool = False
    layout: str = ""
    logout_url: str = ""
    userdata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Participant:
    """One person, or the streaming bot, from the join call on.

    Attributes:
        client: the id of this opening of the page; after a new one, the others renew their media connections to it.
        away_since: when the connection was lost; None while it is there.
    """

    user_id: str
    session_token: str
    auth_token: str
    request: JoinRequest
    registered_at: float
    entered: bool = False
    left: bool = False
    client: str = ""
    away_since: float | None = None
    presenter: bool = False
    audio: Audio = "none"
    muted: bool = False
    camera: bool = False
    screen: bool = False
    hand_raised: bool = False

    @property
    def present(self) -> bool:
        return self.entered and not self.left

    @property
    def moderator(self) -> bool:
        return self.request.role == "MODERATOR"

    @property
    def publishing(self) -> bool:
        return self.audio == "microphone" or self.camera or self.screen

    def reset_media(self) -> None:
        """Reset the media state, since a closed page publishes nothing."""
        self.audio, self.muted, self.camera, self.screen = "none", False, False, False


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One public message. `sender_id` is a participant's id, or the sender's name when the API sent it."""

    message_id: str
    text: str
    sender_id: str
    sender_name: str
    at: float


@dataclass(slots=True)
class Meeting:
    """One meeting, running or just ended."""

    options: MeetingOptions
    internal_id: str
    created_at: float
    participants: dict[str, Participant] = field(default_factory=dict)
    chat: list[ChatMessage] = field(default_factory=list)
    slideshow: Slideshow = field(default_factory=Slideshow)
    started_at: float | None = None
    ended_at: float | None = None
    end_reason: EndReason = "ended"
    empty_since: float | None = None
    moderator_left_at: float | None = None
    max_users: int = 0

    @property
    def create_time_ms(self) -> int:
        return round(self.created_at * 1000)

    @property
    def create_date(self) -> str:
        return datetime.fromtimestamp(self.created_at, tz=UTC).strftime("%a %b %d %H:%M:%S UTC %Y")

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.ended_at is None

    def present(self) -> list[Participant]:
        """The people in the room, in the order of joining. After a lost connection somebody counts for `RECONNECT_DELAY`."""
        return [participant for participant in self.participants.values() if participant.present]

    def _expected(self, now: float) -> list[Participant]:
        """The people in the room, and those who were sent to the page a moment ago."""
        since = now - ENTRY_DELAY.total_seconds()
        return [
            p
            for p in self.participants.values()
            if p.present or (not p.left and not p.entered and p.registered_at > since)
        ]

    def has_room(self, now: float) -> bool:
        """Whether one more person may come in. Bots are not counted."""
        people = [p for p in self._expected(now) if not p.request.bot]
        if self.options.max_participants and len(people) >= self.options.max_participants:
            return False
        return sum(1 for p in people if not p.publishing) < MAX_LISTENERS

    def register(self, request: JoinRequest, now: float) -> Participant:
        """Let somebody join; they are in the room once their page connects (`enter`).

        Raises:
            ApiError: ``meetingForciblyEnded``, ``guestDeniedAccess`` or ``maxParticipantsReached``.
        """
        if self.ended_at is not None:
            raise ApiError(
                "meetingForciblyEnded", "You can not join since the meeting has been forcibly ended"
            )
        if request.guest and self.options.guest_policy == "ALWAYS_DENY":
            raise ApiError("guestDeniedAccess", "You have been denied access to this meeting")
        if not request.bot and not self.has_room(now):
            raise ApiError(
                "maxParticipantsReached",
                "The number of participants allowed for this meeting has been reached",
            )
        user_id = f"w_{secrets.token_hex(6)}"
        if not request.external_id:
            request = _with_external_id(request, user_id)
        participant = Participant(user_id, secrets.token_urlsafe(18), secrets.token_urlsafe(9), request, now)
        self.participants[user_id] = participant
        return participant

    def enter(self, participant: Participant, client: str, now: float) -> bool:
        """Note that the participant's page is connected.

        Returns:
            True when they are new in the room; False when their page reconnected or was reloaded.

        Raises:
            ApiError: ``meetingForciblyEnded``, or ``maxParticipantsReached`` when somebody else got the place meanwhile.
        """
        if self.ended_at is not None:
            raise ApiError("meetingForciblyEnded", "The meeting has ended")
        new = not participant.present
        if new and not participant.request.bot:
            participant.left = True  # this person takes no place
            if not self.has_room(now):
                raise ApiError(
                    "maxParticipantsReached",
                    "The number of participants allowed for this meeting has been reached",
                )
        if participant.client != client:
            participant.reset_media()
        participant.entered, participant.left = True, False
        participant.client, participant.away_since = client, None
        self.started_at = self.started_at or now
        self.empty_since = None
        if participant.moderator:
            self.moderator_left_at = None
        self.max_users = max(self.max_users, len(self.present()))
        return new

    def leave(self, participant: Participant, now: float) -> None:
        """Note that the participant left the room; the same session may come back."""
        participant.left = True
        participant.presenter = participant.hand_raised = False
        participant.away_since = None
        participant.reset_media()
        present = self.present()
        if not present:
            self.empty_since = now
        if participant.moderator and not any(p.moderator for p in present):
            self.moderator_left_at = now

    def next_presenter(self) -> Participant | None:
        """The person who must become the presenter: the first moderator, when there is no presenter; else None."""
        present = self.present()
        if any(p.presenter for p in present):
            return None
        return next((p for p in present if p.moderator and not p.request.bot), None)

    def can_publish(self, participant: Participant) -> bool:
        """Whether `participant` may turn on a camera, a microphone or a screen."""
        others = [p for p in self.present() if p.publishing and p is not participant]
        return not participant.request.bot and len(others) < MAX_PUBLISHERS

    def say(self, text: str, sender_id: str, sender_name: str, now: float) -> ChatMessage:
        """Add a message to the public chat."""
        message_id = f"{round(now * 1000)}-{secrets.token_hex(4)}"
        message = ChatMessage(message_id, text, sender_id, sender_name, now)
        self.chat.append(message)
        del self.chat[:-MAX_CHAT_HISTORY]
        return message

    def due_end(self, now: float) -> EndReason | None:
        """Why the meeting must end now; None when it goes on."""
        options = self.options

        def over(since: float | None, delay: timedelta) -> bool:
            return since is not None and bool(delay) and now >= since + delay.total_seconds()

        if self.started_at is None:
            return "expired" if over(self.created_at, options.expire_if_no_user_joined) else None
        if over(self.started_at, options.duration):
            return "duration"
        if options.end_when_no_moderator and over(
            self.moderator_left_at, options.end_when_no_moderator_delay
        ):
            return "no_moderator"
        return "expired" if over(self.empty_since, options.expire_when_last_user_left) else None

    def gone(self, now: float) -> list[Participant]:
        """The people whose connection has been lost for too long."""
        limit = now - RECONNECT_DELAY.total_seconds()
        return [p for p in self.present() if p.away_since is not None and p.away_since <= limit]


def _with_external_id(request: JoinRequest, external_id: str) -> JoinRequest:
    values = {name: getattr(request, name) for name in JoinRequest.__slots__} | {"external_id": external_id}
    return JoinRequest(**values)


@dataclass(slots=True)
class Creation:
    """The result of create: the meeting, and whether it existed already."""

    meeting: Meeting
    duplicate: bool


class Rooms:
    """Every meeting of the server."""

    def __init__(self) -> None:
        self._by_id: dict[str, Meeting] = {}
        self._by_token: dict[str, tuple[Meeting, Participant]] = {}

    def __iter__(self) -> Iterator[Meeting]:
        return iter(list(self._by_id.values()))

    def create(self, options: MeetingOptions, now: float) -> Creation:
        """Create a meeting, or find the existing one.

        Raises:
            ApiError: ``idNotUnique``: it exists with other passwords; ``nonUniqueVoiceBridge``: another meeting has that voice bridge.
        """
        existing = self._by_id.get(options.meeting_id)
        if existing is not None and existing.ended_at is None:
            _check_same_passwords(existing.options, options)
            return Creation(existing, duplicate=True)
        bridges = {meeting.options.voice_bridge for meeting in self if meeting.ended_at is None}
        if options.voice_bridge_given and options.voice_bridge in bridges:
            raise ApiError("nonUniqueVoiceBridge", "The selected voice bridge is already in use.")
        if existing is not None:
            self._forget(existing)
        digest = hashlib.sha1(options.meeting_id.encode(), usedforsecurity=False).hexdigest()
        meeting = Meeting(options, f"{digest}-{round(now * 1000)}", now)
        self._by_id[options.meeting_id] = meeting
        return Creation(meeting, duplicate=False)

    def find(self, meeting_id: str) -> Meeting | None:
        """The meeting, also if it ended a moment ago; None when there is none."""
        return self._by_id.get(meeting_id)

    def get(self, meeting_id: str) -> Meeting:
        """The meeting, also if it ended a moment ago.

        Raises:
            ApiError: ``notFound``.
        """
        meeting = self._by_id.get(meeting_id)
        if meeting is None:
            raise NOT_FOUND
        return meeting

    def open_meeting(self, meeting_id: str) -> Meeting:
        """The meeting, if it has not ended.

        Raises:
            ApiError: ``notFound``.
        """
        meeting = self.get(meeting_id)
        if meeting.ended_at is not None:
            raise NOT_FOUND
        return meeting

    def join(self, meeting: Meeting, request: JoinRequest, now: float) -> Participant:
        """Register a participant and their session. Raises the errors of `Meeting.register`."""
        participant = meeting.register(request, now)
        self._by_token[participant.session_token] = (meeting, participant)
        return participant

    def session(self, token: str) -> tuple[Meeting, Participant] | None:
        """The meeting and the participant of a session token."""
        return self._by_token.get(token)

    def end(self, meeting: Meeting, reason: EndReason, now: float) -> None:
        """End a meeting. It is remembered for `ENDED_DELAY`, as forcibly ended."""
        meeting.ended_at, meeting.end_reason = now, reason
        for participant in meeting.present():
            participant.left = True

    def forget_ended(self, now: float) -> list[Meeting]:
        """Forget and return the meetings that ended more than `ENDED_DELAY` ago."""
        limit = now - ENDED_DELAY.total_seconds()
        old = [meeting for meeting in self if meeting.ended_at is not None and meeting.ended_at <= limit]
        for meeting in old:
            self._forget(meeting)
        return old

    def _forget(self, meeting: Meeting) -> None:
        del self._by_id[meeting.options.meeting_id]
        for participant in meeting.participants.values():
            self._by_token.pop(participant.session_token, None)


def _check_same_passwords(existing: MeetingOptions, asked: MeetingOptions) -> None:
    wanted = {"attendeePW": asked.attendee_password, "moderatorPW": asked.moderator_password}
    held = {"attendeePW": existing.attendee_password, "moderatorPW": existing.moderator_password}
    if any(wanted[name] != held[name] for name in asked.passwords_given):
        message = "A meeting already exists with that meeting ID.  Please use a different meeting ID."
        raise ApiError("idNotUnique", message)
