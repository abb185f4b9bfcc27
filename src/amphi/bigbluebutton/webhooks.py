"""Deliveries of bbb-webhooks: verified as raw bytes, then parsed.

Source: https://github.com/bigbluebutton/bbb-webhooks, ``messageMapping.js`` of v2.6.1, which BigBlueButton 2.6 and 2.7 install, and
``src/process/event.js`` of v3.0.0 to v3.5.0. A delivery is a form ``domain=…&event=[…]&timestamp=<ms>``, and its
checksum is in the query of the callback address. Take an event as a hint: it may be about another meeting, or arrive twice, late
or never.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qs

import jwt
from jwt.algorithms import HMACAlgorithm

from amphi.bigbluebutton import checksum as checksums
from amphi.bigbluebutton.events import (
    AnyEvent,
    ChatMessage,
    Event,
    HandRaised,
    MeetingEnded,
    PollResponded,
    PollStarted,
    PresentationChanged,
    RecordingReady,
    TranscriptUpdated,
    Unknown,
    UserJoined,
    UserLeft,
)
from amphi.bigbluebutton.exceptions import InvalidSignatureError, MalformedDeliveryError, StaleDeliveryError

__all__ = [
    "LARGEST_BODY_BYTES",
    "AnyEvent",
    "ChatMessage",
    "Event",
    "HandRaised",
    "MeetingEnded",
    "PollResponded",
    "PollStarted",
    "PresentationChanged",
    "RecordingReady",
    "TranscriptUpdated",
    "Unknown",
    "UserJoined",
    "UserLeft",
    "check_age",
    "parse",
    "parse_recording_ready",
    "verify",
]

LARGEST_BODY_BYTES = 1024 * 1024
_MOST_EVENTS = 1000
_LONGEST_STAMP = 15  # 31,000 years in milliseconds


class _SharedSecret(HMACAlgorithm):
    """HMAC without the library's minimum key length: operators choose the length of BigBlueButton's secret."""

    def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002 -- the library's
        return None


_tokens = jwt.PyJWS(algorithms=[])
_tokens.register_algorithm("HS256", _SharedSecret(HMACAlgorithm.SHA256))
_PUBLIC_CHATS = {"MAIN-PUBLIC-GROUP-CHAT", "public", ""}


def verify(
    callback_url: str,
    raw_body: bytes,
    checksum: str,
    secret: str,
    *,
    authorization: str = "",
    allowed: Collection[checksums.Algorithm] = checksums.ALGORITHMS,
) -> None:
    """Check that a delivery was signed with the shared secret. Call this before parsing.

    Args:
        callback_url: exactly as passed to `Server.create_hook`, without the checksum.
        raw_body: the bytes of the body.
        checksum: the parameter ``checksum`` of the called address; empty when there is none.
        secret: the shared secret.
        authorization: the Authorization header, used instead of the checksum where bbb-webhooks is set to `auth2_0`.
        allowed: the accepted algorithms.

    Raises:
        InvalidSignatureError: the delivery is unsigned, forged, changed, or signed with an algorithm that is not allowed.
    """
    if not secret:
        raise InvalidSignatureError("there is no shared secret to check with")
    scheme, _, token = authorization.strip().partition(" ")
    if not checksum and scheme.lower() == "bearer":
        if not hmac.compare_digest(token.strip().encode(), secret.encode()):
            raise InvalidSignatureError("the bearer token is not the shared secret")
        return
    algorithm = checksums.algorithm_of(checksum)
    if algorithm is None or algorithm not in allowed:
        raise InvalidSignatureError("it has no checksum of an allowed algorithm")
    if not any(
        checksums.equal(checksums.of_delivery(callback_url, signed, secret, algorithm), checksum)
        for signed in (raw_body, _as_old_servers_sign(raw_body))
    ):
        raise InvalidSignatureError(f"the {algorithm} checksum does not match")


def _as_old_servers_sign(raw_body: bytes) -> bytes:
    """The form's fields as JSON, in their order: bbb-webhooks 2 (BigBlueButton before 3.0) signs that instead of the body."""
    try:
        fields: dict[str, str | int] = dict(_form(raw_body))
    except MalformedDeliveryError:
        return raw_body
    stamp = str(fields.get("timestamp", ""))
    if stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP:
        fields["timestamp"] = int(stamp)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def check_age(raw_body: bytes, *, now_ms: int, longest_ms: int = 900_000, ahead_ms: int = 300_000) -> None:
    """Refuse a delivery whose timestamp is too old or in the future, since somebody may replay it. Call `verify` first.

    Args:
        raw_body: the bytes of the body.
        now_ms: milliseconds since the Unix epoch.
        longest_ms: the greatest age; bbb-webhooks retries for about five minutes.
        ahead_ms: how far the sender's clock may be ahead.

    Raises:
        StaleDeliveryError: too old, from the future, or without a timestamp.
        MalformedDeliveryError: the body is not a form.
    """
    stamp = _form(raw_body).get("timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > _LONGEST_STAMP:
        raise StaleDeliveryError("it has no timestamp")
    age_ms = now_ms - int(stamp)
    if not -ahead_ms <= age_ms <= longest_ms:
        raise StaleDeliveryError(f"it was sent {age_ms / 1000:.0f} s ago")


def parse(raw_body: bytes) -> list[AnyEvent]:
    """The events of a verified delivery.

    Raises:
        MalformedDeliveryError: it is too large, or not in the format of bbb-webhooks.
    """
    try:
        envelopes = json.loads(_form(raw_body).get("event", ""))
    except (ValueError, RecursionError):
        raise MalformedDeliveryError("the field event is not JSON") from None
    if isinstance(envelopes, dict):
        envelopes = [envelopes]
    if not isinstance(envelopes, list) or len(envelopes) > _MOST_EVENTS:
        raise MalformedDeliveryError("the field event is not a list of events")
    return [_event(envelope) for envelope in envelopes]


def parse_recording_ready(raw_body: bytes, secret: str) -> RecordingReady:
    """Verify and parse a call to ``meta_bbb-recording-ready-url``: a form with a JWT signed with HS256.

    Raises:
        InvalidSignatureError: the token is not signed with the shared secret.
        MalformedDeliveryError: it is not such a form, or the token names no meeting or recording.
    """
    token = _form(raw_body).get("signed_parameters", "")
    try:
        claims = _object(json.loads(_tokens.decode(token, secret, algorithms=["HS256"])))
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
        raise InvalidSignatureError("the token is not signed with the shared secret") from None
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise MalformedDeliveryError("signed_parameters is no token") from None
    meeting_id, record_id = _text(claims, "meeting_id"), _text(claims, "record_id")
    if not meeting_id or not record_id:
        raise MalformedDeliveryError("the token names no recording")
    return RecordingReady(meeting_id=meeting_id, record_id=record_id)


def _form(raw_body: bytes) -> dict[str, str]:
    if len(raw_body) > LARGEST_BODY_BYTES:
        raise MalformedDeliveryError(f"the body is larger than {LARGEST_BODY_BYTES} bytes")
    try:
        fields = parse_qs(
            raw_body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20
        )
    except (UnicodeError, ValueError):
        raise MalformedDeliveryError("the body is no form") from None
    return {name: values[-1] for name, values in fields.items()}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    # JSON may contain characters that databases and pages refuse: NUL, and half of a surrogate pair.
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_STAMP:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _event(envelope: Any) -> AnyEvent:
    data = _object(_object(envelope).get("data"))
    kind = _text(data, "id")
    attributes = _object(data.get("attributes"))
    meeting = _object(attributes.get("meeting"))
    common: dict[str, Any] = {
        "meeting_id": _text(meeting, "external-meeting-id"),
        "internal_meeting_id": _text(meeting, "internal-meeting-id"),
        "sent_at_ms": _number(_object(data.get("event")).get("ts")),
    }
    reader = _READERS.get(kind)
    event = reader(attributes, common) if reader and common["meeting_id"] else None
    return event or Unknown(kind=kind, **common)


def _meeting_ended(_attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    return MeetingEnded(**common)


def _user(attributes: Mapping[str, Any]) -> dict[str, Any]:
    user = _object(attributes.get("user"))
    return {
        "user_id": _text(user, "internal-user-id"),
        "external_user_id": _text(user, "external-user-id"),
        "name": _text(user, "name"),
    }


def _user_joined(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    role = _text(_object(attributes.get("user")), "role")
    return UserJoined(**_user(attributes), role=role, **common)


def _user_left(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    return UserLeft(**_user(attributes), **common)


def _hand_raised(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    user = _object(attributes.get("user"))
    # bbb-webhooks 3 writes raiseHand when it derives the event from an emoji, for servers before 2.7.
    raised = user.get("raise-hand", user.get("raiseHand")) is True
    return HandRaised(**_user(attributes), raised=raised, **common)


def _emoji_changed(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent | None:
    emoji = _text(_object(attributes.get("user")), "emoji")
    if not emoji:
        return None  # version 2 does not say which emoji
    raised = emoji == "raiseHand"
    return HandRaised(**_user(attributes), raised=raised, is_emoji=True, **common)


def _chat_message(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent | None:
    message = _object(attributes.get("chat-message"))
    sender = _object(message.get("sender"))
    name, external_id = _text(sender, "name"), _text(sender, "external-user-id")
    message_id = _text(message, "id")
    if not message_id:
        message_id = _made_id(message, sender)
        # Version 2 has the name in the field of the external id.
        name, external_id = name or external_id, "" if not name else external_id
    if not message_id:
        return None
    return ChatMessage(
        **common | {"sent_at_ms": _number(sender.get("time")) or common["sent_at_ms"]},
        id=message_id,
        text=_text(message, "message"),
        sender_name=name,
        sender_user_id=_text(sender, "internal-user-id"),
        sender_external_id=external_id,
        is_public=_text(attributes, "chat-id") in _PUBLIC_CHATS,
    )


def _made_id(message: Mapping[str, Any], sender: Mapping[str, Any]) -> str:
    """An id for a message of version 2, which has none; a repeated delivery gets the same. Empty when the message has too few fields."""
    user_id, time = _text(sender, "internal-user-id"), _number(sender.get("time"))
    if not user_id or not time:
        return ""
    said = " ".join([user_id, _text(message, "message")])
    return f"{time}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _poll_started(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    poll = _object(attributes.get("poll"))
    answers = poll.get("answers")
    listed = answers if isinstance(answers, list) else []
    pairs = [(_number(_object(one).get("id")), _text(_object(one), "key")) for one in listed]
    return PollStarted(
        poll_id=_text(poll, "id"), question=_text(poll, "question"), answers=tuple(pairs), **common
    )


def _poll_responded(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    poll = _object(attributes.get("poll"))
    ids = poll.get("answerIds")
    return PollResponded(
        poll_id=_text(poll, "id"),
        user_id=_user(attributes)["user_id"],
        answer_ids=tuple(_number(one) for one in ids) if isinstance(ids, list) else (),
        **common,
    )


def _presentation_changed(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent:
    meeting = _object(attributes.get("meeting"))
    return PresentationChanged(presentation_id=_text(meeting, "presentation-id"), **common)


def _transcript_updated(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent | None:
    transcript = _object(attributes.get("transcript"))
    transcript_id, text = _text(transcript, "id"), _text(transcript, "transcript")
    if not transcript_id or not text.strip():
        return None
    return TranscriptUpdated(
        transcript_id=transcript_id,
        text=text,
        locale=_text(transcript, "locale"),
        is_final=transcript.get("final") is not False,
        **common,
    )


def _recording_ready(attributes: Mapping[str, Any], common: dict[str, Any]) -> AnyEvent | None:
    record_id = _text(attributes, "record-id")
    if not record_id or attributes.get("success") is False:
        return None
    return RecordingReady(record_id=record_id, **common)


_READERS = {
    "meeting-ended": _meeting_ended,
    "user-joined": _user_joined,
    "user-left": _user_left,
    "user-raise-hand-changed": _hand_raised,
    "user-emoji-changed": _emoji_changed,
    "chat-group-message-sent": _chat_message,
    "poll-started": _poll_started,
    "poll-responded": _poll_responded,
    "meeting-presentation-changed": _presentation_changed,
    "transcript-updated": _transcript_updated,
    "rap-publish-ended": _recording_ready,
}
