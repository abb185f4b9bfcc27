"""Events and signatures of bbb-webhooks 2.6.1, which BigBlueButton 2.6 and 2.7 install.

Source: bbb-webhooks v2.6.1, ``messageMapping.js`` (the events and their fields), ``callback_emitter.js`` (what is signed, and the
order of the fields), ``utils.js`` (only sha1).
"""

import json
from urllib.parse import quote, urlencode, urlsplit

from amphi.classroom.checksum import digest
from amphi.classroom.events import Event
from amphi.classroom.hooks import Delivery

# The fields of the user in each event. The event of an emoji does not say which emoji.
_IDS = ("internal-user-id", "external-user-id")
_FIELDS: dict[str, tuple[str, ...]] = {
    "meeting-created": (),
    "meeting-ended": (),
    "meeting-screenshare-started": (),
    "meeting-screenshare-stopped": (),
    "user-joined": (*_IDS, "name", "role", "presenter"),
    "user-left": _IDS,
    "user-presenter-assigned": _IDS,
    "user-audio-voice-enabled": (*_IDS, "listening-only", "sharing-mic"),
    "user-audio-voice-disabled": (*_IDS, "listening-only", "sharing-mic"),
    "user-cam-broadcast-start": (*_IDS, "stream"),
    "user-cam-broadcast-end": (*_IDS, "stream"),
    "user-emoji-changed": _IDS,
    "chat-group-message-sent": (),
}


def as_2(event: Event) -> Event | None:
    """An event in the format of 2.6.1; None when that version has no such event."""
    data = event["data"]
    fields = _FIELDS.get(data["id"])
    if fields is None:
        return None
    attributes = dict(data["attributes"])
    user = attributes.pop("user", {})
    if fields:
        attributes["user"] = {name: user[name] for name in fields if name in user}
    if "chat-message" in attributes:
        attributes["chat-message"] = _chat_message(attributes["chat-message"])
    attributes["meeting"] = {
        name: value for name, value in attributes["meeting"].items() if name != "parent-id"
    }
    return {"data": {**data, "attributes": attributes}}


def _chat_message(message: Event) -> Event:
    """Convert a chat message: in 2.6.1 it has no id, and the sender's name is in the field of the external id."""
    sender = message["sender"]
    return {
        "message": message["message"],
        "sender": {
            "internal-user-id": sender["internal-user-id"],
            "external-user-id": sender["name"],
            "timezone-offset": 0,
            "time": sender["time"],
        },
    }


def delivery(callback_url: str, event: Event, *, domain: str, timestamp_ms: int, secret: str) -> Delivery:
    """Write and sign one event for one receiver. The signature is over the form's fields as JSON, not over the body."""
    packed = json.dumps([event], separators=(",", ":"), ensure_ascii=False)
    form = {"event": packed, "timestamp": timestamp_ms, "domain": domain}
    signed = json.dumps(form, separators=(",", ":"), ensure_ascii=False)
    checksum = digest("sha1", f"{callback_url}{signed}{secret}")
    separator = "&" if urlsplit(callback_url).query else "?"
    body = urlencode(form, quote_via=quote, safe="")
    return Delivery(f"{callback_url}{separator}checksum={checksum}", body.encode())
