"""Reads, checks and types the parameters of calls."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from amphi.classroom.exceptions import ApiError

MINIMUM_TEXT = 2
MAXIMUM_TEXT = 256
MAXIMUM_CHAT = 500
MAXIMUM_SENDER = 255
XML_NAME = re.compile(r"[a-z_][a-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class MeetingOptions:
    """The parameters of create. Missing passwords are generated; `passwords_given` names the ones that were given."""

    meeting_id: str
    name: str
    attendee_password: str
    moderator_password: str
    passwords_given: frozenset[str]
    voice_bridge: str
    voice_bridge_given: bool
    welcome: str = ""
    moderator_only_message: str = ""
    dial_number: str = ""
    record: bool = False
    duration: timedelta = timedelta()
    max_participants: int = 0
    mute_on_start: bool = False
    guest_policy: str = "ALWAYS_ACCEPT"
    logout_url: str = ""
    meeting_ended_url: str = ""
    chat_disabled: bool = False
    end_when_no_moderator: bool = False
    end_when_no_moderator_delay: timedelta = timedelta(minutes=1)
    expire_if_no_user_joined: timedelta = timedelta(minutes=5)
    expire_when_last_user_left: timedelta = timedelta(minutes=1)
    metadata: Mapping[str, str] = field(default_factory=dict)


def flag(parameters: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Whether a parameter is ``true``; like BBB, anything else is false."""
    value = parameters.get(name, "").strip().lower()
    return value == "true" if value else default


def number(parameters: Mapping[str, str], name: str, default: int) -> int:
    """A whole number that isn't negative.

    Raises:
        ApiError: ``validationError``.
    """
    value = parameters.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 9:  # noqa: PLR2004 -- more days than there will be
        raise ApiError("validationError", f"{name} must be a number")
    return int(value)


def meeting_id(parameters: Mapping[str, str]) -> str:
    """The meetingID of a call.

    Raises:
        ApiError: ``missingParamMeetingID`` or ``validationError``.
    """
    value = parameters.get("meetingID", "").strip()
    if not value:
        raise ApiError("missingParamMeetingID", "You must provide a meeting ID")
    if not MINIMUM_TEXT <= len(value) <= MAXIMUM_TEXT:
        raise ApiError("validationError", "Meeting ID must be between 2 and 256 characters")
    if "," in value:
        raise ApiError("validationError", "Meeting ID cannot contain ','")
    return value


def web_address(value: str) -> str:
    """`value` if it is a web address, else an empty string, so that ``javascript:`` and the like never reach a page."""
    value = value.strip()
    return value if value.startswith(("http://", "https://")) else ""


def _name(parameters: Mapping[str, str]) -> str:
    value = parameters.get("name", "").strip()
    if not value:
        raise ApiError("validationError", "You must provide a meeting name")
    if not MINIMUM_TEXT <= len(value) <= MAXIMUM_TEXT:
        raise ApiError("validationError", "Meeting name must be between 2 and 256 characters")
    return value


def _metadata(parameters: Mapping[str, str]) -> dict[str, str]:
    keys = {name: name.removeprefix("meta_").lower() for name in parameters if name.startswith("meta_")}
    return {key: parameters[name] for name, key in keys.items() if XML_NAME.match(key)}


def meeting_options(parameters: Mapping[str, str]) -> MeetingOptions:
    """Read create's parameters.

    Raises:
        ApiError: ``missingParamMeetingID`` or ``validationError``.
    """
    identifier = meeting_id(parameters)
    attendee, moderator = parameters.get("attendeePW", ""), parameters.get("moderatorPW", "")
    if attendee and attendee == moderator:
        raise ApiError("validationError", "attendeePW and moderatorPW must be different")
    bridge = parameters.get("voiceBridge", "").strip()
    if bridge and not (bridge.isascii() and bridge.isdigit()):
        raise ApiError("validationError", "voiceBridge must be a number")
    return MeetingOptions(
        meeting_id=identifier,
        name=_name(parameters),
        attendee_password=attendee or secrets.token_urlsafe(6),
        moderator_password=moderator or secrets.token_urlsafe(6),
        passwords_given=frozenset(name for name in ("attendeePW", "moderatorPW") if parameters.get(name)),
        voice_bridge=bridge or str(10_000 + secrets.randbelow(90_000)),
        voice_bridge_given=bool(bridge),
        welcome=parameters.get("welcome", ""),
        moderator_only_message=parameters.get("moderatorOnlyMessage", ""),
        dial_number=parameters.get("dialNumber", "613-555-1234"),
        record=flag(parameters, "record"),
        duration=timedelta(minutes=number(parameters, "duration", 0)),
        max_participants=number(parameters, "maxParticipants", 0),
        mute_on_start=flag(parameters, "muteOnStart"),
        guest_policy=parameters.get("guestPolicy", "").strip() or "ALWAYS_ACCEPT",
        logout_url=web_address(parameters.get("logoutURL", "")),
        meeting_ended_url=web_address(parameters.get("meetingEndedURL", "")),
        chat_disabled="chat" in (item.strip() for item in parameters.get("disabledFeatures", "").split(",")),
        end_when_no_moderator=flag(parameters, "endWhenNoModerator"),
        end_when_no_moderator_delay=timedelta(
            minutes=number(parameters, "endWhenNoModeratorDelayInMinutes", 1)
        ),
        expire_if_no_user_joined=timedelta(
            minutes=number(parameters, "meetingExpireIfNoUserJoinedInMinutes", 5)
        ),
        expire_when_last_user_left=timedelta(
            minutes=number(parameters, "meetingExpireWhenLastUserLeftInMinutes", 1)
        ),
        metadata=_metadata(parameters),
    )


@dataclass(frozen=True, slots=True)
class ChatCall:
    """The parameters of sendChatMessage."""

    meeting_id: str
    text: str
    sender: str


def chat_call(parameters: Mapping[str, str]) -> ChatCall:
    """Read sendChatMessage's parameters.

    Raises:
        ApiError: ``missingParamMeetingID`` or ``validationError``.
    """
    identifier = meeting_id(parameters)
    text = parameters.get("message", "")
    if not text.strip():
        raise ApiError("validationError", "You must provide a message")
    if len(text) > MAXIMUM_CHAT:
        raise ApiError("validationError", "Message must be between 1 and 500 characters")
    sender = parameters.get("userName", "").strip() or "System"
    if len(sender) > MAXIMUM_SENDER:
        raise ApiError("validationError", "User name must be at most 255 characters")
    return ChatCall(identifier, text, sender)
