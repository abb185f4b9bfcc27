"""What listeners watch, say and are told; a module a subject."""

from amphi.audience.models.addressees import Addressee, Reminder
from amphi.audience.models.chat import Message
from amphi.audience.models.events import ON_AIR, Broadcaster, Event, EventState, stream_name
from amphi.audience.models.stream import Audience, Channel, StreamMessage

__all__ = [
    "ON_AIR",
    "Addressee",
    "Audience",
    "Broadcaster",
    "Channel",
    "Event",
    "EventState",
    "Message",
    "Reminder",
    "StreamMessage",
    "stream_name",
]
