"""Builds the events that bbb-webhooks sends. Source: bbb-webhooks 3.x, ``src/process/event.js``."""

import html
from typing import Any

from amphi.classroom.rooms import ChatMessage, Meeting, Participant

PUBLIC_CHAT = "MAIN-PUBLIC-GROUP-CHAT"
Event = dict[str, Any]


def _envelope(meeting: Meeting, name: str, now: float, attributes: Event) -> Event:
    identity = {"internal-meeting-id": meeting.internal_id, "external-meeting-id": meeting.options.meeting_id}
    attributes = {**attributes, "meeting": {**identity, **attributes.get("meeting", {})}}
    return {
        "data": {"type": "event", "id": name, "attributes": attributes, "event": {"ts": round(now * 1000)}}
    }


def meeting_created(meeting: Meeting, now: float) -> Event:
    options = meeting.options
    details = {
        "name": options.name,
        "is-breakout": False,
        "parent-id": "bbb-none",
        "duration": int(options.duration.total_seconds() // 60),
        "create-time": meeting.create_time_ms,
        "create-date": meeting.create_date,
        "moderator-pass": options.moderator_password,
        "viewer-pass": options.attendee_password,
        "record": options.record,
        "voice-conf": options.voice_bridge,
        "dial-number": options.dial_number,
        "max-users": options.max_participants,
        "metadata": dict(options.metadata),
    }
    return _envelope(meeting, "meeting-created", now, {"meeting": details})


def meeting_event(meeting: Meeting, name: str, now: float) -> Event:
    """An event that only names the meeting: ``meeting-ended``."""
    return _envelope(meeting, name, now, {})


def user_event(
    meeting: Meeting, participant: Participant, event_id: str, now: float, **details: Any
) -> Event:
    """An event about one participant; `details` has underscores where the event has hyphens."""
    user = {"internal-user-id": participant.user_id, "external-user-id": participant.request.external_id}
    extra = {key.replace("_", "-"): value for key, value in details.items()}
    return _envelope(meeting, event_id, now, {"user": user | extra})


def user_joined(meeting: Meeting, participant: Participant, now: float) -> Event:
    return user_event(
        meeting,
        participant,
        "user-joined",
        now,
        name=participant.request.name,
        role=participant.request.role,
        presenter=participant.presenter,
        guest=participant.request.guest,
        userdata=dict(participant.request.userdata),
        stream=None,
    )


def audio_event(meeting: Meeting, participant: Participant, now: float, *, enabled: bool) -> Event:
    name = "user-audio-voice-enabled" if enabled else "user-audio-voice-disabled"
    microphone = enabled and participant.audio == "microphone"
    return user_event(
        meeting,
        participant,
        name,
        now,
        listening_only=enabled and participant.audio == "listen",
        sharing_mic=microphone,
        muted=participant.muted if enabled else True,
    )


def chat_sent(meeting: Meeting, message: ChatMessage, now: float) -> Event:
    """A public message. A person's has their external id; one sent by the API has the sender's name as its id.

    The text is escaped HTML, as BBB's is.
    """
    sender: Event = {"internal-user-id": message.sender_id}
    participant = meeting.participants.get(message.sender_id)
    if participant is not None:
        sender["external-user-id"] = participant.request.external_id
    sender |= {"name": message.sender_name, "time": round(message.at * 1000)}
    text = html.escape(message.text, quote=False)
    content = {"id": message.message_id, "message": text, "sender": sender}
    return _envelope(
        meeting, "chat-group-message-sent", now, {"chat-message": content, "chat-id": PUBLIC_CHAT}
    )


def transcript_updated(
    meeting: Meeting, participant: Participant, now: float, *, transcript_id: str, text: str, final: bool
) -> Event:
    """More of a sentence is known. Since bbb-webhooks 3.5."""
    user = {"internal-user-id": participant.user_id, "external-user-id": participant.request.external_id}
    transcript = {"id": transcript_id, "transcript": text, "locale": "fr-FR", "final": final}
    return _envelope(meeting, "transcript-updated", now, {"user": user, "transcript": transcript})
