"""The API's answers as typed objects. Times are milliseconds since the Unix epoch; 0 means "not yet"."""

from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element  # only a type: parsing is defusedxml's

from amphi.bigbluebutton.answers import count, each, flag, mapping, number, text

JoinRole = Literal["MODERATOR", "VIEWER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedMeeting:
    """The answer to `create`.

    Attributes:
        meeting_id: the external id, which is ours.
        internal_id: BigBlueButton's internal id, new for each session.
        existed: the meeting existed already and is unchanged.
        forcibly_ended: the meeting existed and was ended; joining will fail for a while.
    """

    meeting_id: str
    internal_id: str
    create_time_ms: int
    attendee_password: str
    moderator_password: str
    voice_bridge: str
    duration_minutes: int
    has_user_joined: bool
    forcibly_ended: bool
    existed: bool

    @classmethod
    def from_xml(cls, response: Element) -> "CreatedMeeting":
        return cls(
            meeting_id=text(response, "meetingID"),
            internal_id=text(response, "internalMeetingID"),
            create_time_ms=number(response, "createTime"),
            attendee_password=text(response, "attendeePW"),
            moderator_password=text(response, "moderatorPW"),
            voice_bridge=text(response, "voiceBridge"),
            duration_minutes=count(response, "duration"),
            has_user_joined=flag(response, "hasUserJoined"),
            forcibly_ended=flag(response, "hasBeenForciblyEnded"),
            existed=text(response, "messageKey") == "duplicateWarning",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody in a meeting.

    Attributes:
        user_id: the external id, from the join URL.
        role: ``MODERATOR`` or ``VIEWER``.
        client_type: ``HTML5``, or what the server calls it.
    """

    user_id: str
    full_name: str
    role: str
    is_presenter: bool
    is_listening_only: bool
    has_joined_voice: bool
    has_video: bool
    client_type: str
    custom_data: dict[str, str]

    @classmethod
    def from_xml(cls, attendee: Element) -> "Attendee":
        return cls(
            user_id=text(attendee, "userID"),
            full_name=text(attendee, "fullName"),
            role=text(attendee, "role"),
            is_presenter=flag(attendee, "isPresenter"),
            is_listening_only=flag(attendee, "isListeningOnly"),
            has_joined_voice=flag(attendee, "hasJoinedVoice"),
            has_video=flag(attendee, "hasVideo"),
            client_type=text(attendee, "clientType"),
            custom_data=mapping(attendee, "customdata"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingInfo:
    """A meeting as it is now.

    Attributes:
        running: somebody has joined, and the meeting is not over.
        forcibly_ended: it was ended, and the server will soon forget it.
        metadata: its `meta_*` parameters; the server makes their names lower case.
    """

    meeting_id: str
    internal_id: str
    name: str
    create_time_ms: int
    start_time_ms: int
    end_time_ms: int
    running: bool
    forcibly_ended: bool
    has_user_joined: bool
    recording: bool
    is_breakout: bool
    duration_minutes: int
    participant_count: int
    listener_count: int
    voice_participant_count: int
    video_count: int
    moderator_count: int
    max_users: int
    attendee_password: str
    moderator_password: str
    metadata: dict[str, str]
    attendees: tuple[Attendee, ...]

    @property
    def over(self) -> bool:
        """Whether it has ended although the server still knows it."""
        return self.forcibly_ended or self.end_time_ms > 0

    @classmethod
    def from_xml(cls, meeting: Element) -> "MeetingInfo":
        return cls(
            meeting_id=text(meeting, "meetingID"),
            internal_id=text(meeting, "internalMeetingID"),
            name=text(meeting, "meetingName"),
            create_time_ms=number(meeting, "createTime"),
            start_time_ms=number(meeting, "startTime"),
            end_time_ms=number(meeting, "endTime"),
            running=flag(meeting, "running"),
            forcibly_ended=flag(meeting, "hasBeenForciblyEnded"),
            has_user_joined=flag(meeting, "hasUserJoined"),
            recording=flag(meeting, "recording"),
            is_breakout=flag(meeting, "isBreakout"),
            duration_minutes=count(meeting, "duration"),
            participant_count=count(meeting, "participantCount"),
            listener_count=count(meeting, "listenerCount"),
            voice_participant_count=count(meeting, "voiceParticipantCount"),
            video_count=count(meeting, "videoCount"),
            moderator_count=count(meeting, "moderatorCount"),
            max_users=count(meeting, "maxUsers"),
            attendee_password=text(meeting, "attendeePW"),
            moderator_password=text(meeting, "moderatorPW"),
            metadata=mapping(meeting, "metadata"),
            attendees=tuple(Attendee.from_xml(one) for one in each(meeting, "attendees/attendee")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackFormat:
    """One way to watch a recording, such as ``presentation`` or ``video``."""

    kind: str
    url: str
    length_minutes: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording, and how to watch it once it is published."""

    record_id: str
    meeting_id: str
    internal_meeting_id: str
    name: str
    state: str
    published: bool
    start_time_ms: int
    end_time_ms: int
    participants: int
    metadata: dict[str, str]
    formats: tuple[PlaybackFormat, ...]

    @classmethod
    def from_xml(cls, recording: Element) -> "Recording":
        formats = [
            PlaybackFormat(
                kind=text(one, "type"),
                url=text(one, "url"),
                length_minutes=count(one, "length"),
                size_bytes=number(one, "size"),
            )
            for one in each(recording, "playback/format")
        ]
        return cls(
            record_id=text(recording, "recordID"),
            meeting_id=text(recording, "meetingID"),
            internal_meeting_id=text(recording, "internalMeetingID"),
            name=text(recording, "name"),
            state=text(recording, "state"),
            published=flag(recording, "published"),
            start_time_ms=number(recording, "startTime"),
            end_time_ms=number(recording, "endTime"),
            participants=count(recording, "participants"),
            metadata=mapping(recording, "metadata"),
            formats=tuple(formats),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A registered webhook.

    Attributes:
        hook_id: a UUID since 3.0, a number before.
        meeting_id: the external id of its meeting; empty for all meetings. Some versions ignore it, so check each event's meeting.
        permanent: it belongs to the server and can't be destroyed.
        existed: `create_hook` found the same callback address registered already.
    """

    hook_id: str
    callback_url: str = ""
    meeting_id: str = ""
    permanent: bool = False
    raw_data: bool = False
    existed: bool = False

    @classmethod
    def from_xml(cls, hook: Element) -> "Hook":
        return cls(
            hook_id=text(hook, "hookID"),
            callback_url=text(hook, "callbackURL"),
            meeting_id=text(hook, "meetingID"),
            permanent=flag(hook, "permanentHook"),
            raw_data=flag(hook, "rawData"),
            existed=text(hook, "messageKey") == "duplicateWarning",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server can do.

    Attributes:
        version: BigBlueButton's version, such as ``3.0.4``; empty when the server hides it.
        send_chat_message: whether it has `sendChatMessage` (since 3.0).
        insert_document: whether it has `insertDocument` (since 2.5).
        webhooks: whether bbb-webhooks is installed.
    """

    version: str
    send_chat_message: bool
    insert_document: bool
    webhooks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """A document for a meeting: fetched by the server from `url`, or sent along as `content`.

    Attributes:
        name: the file's name; the server reads the format from its extension.
    """

    name: str
    url: str = ""
    content: bytes = b""
    current: bool = False
    downloadable: bool = False
    removable: bool = True
