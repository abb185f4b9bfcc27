"""RTMP's message types and the few messages that a server sends (RTMP 1.0, sections 5.4, 6 and 7)."""

import struct
from enum import IntEnum

from amphi.origin.exceptions import ProtocolError
from amphi.origin.rtmp import amf0
from amphi.origin.rtmp.chunks import Message

CONTROL_CHUNK_STREAM = 2
COMMAND_CHUNK_STREAM = 3
STREAM_BEGIN = 0
PING_REQUEST = 6
PING_RESPONSE = 7
DYNAMIC_PEER_BANDWIDTH = 2


class MessageType(IntEnum):
    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACKNOWLEDGEMENT_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    SHARED_OBJECT_AMF3 = 16
    COMMAND_AMF3 = 17
    DATA_AMF0 = 18
    SHARED_OBJECT_AMF0 = 19
    COMMAND_AMF0 = 20
    AGGREGATE = 22


def four_bytes(message: Message, what: str) -> int:
    """The number in a protocol control message.

    Raises:
        ProtocolError: the message is too short.
    """
    if len(message.payload) < 4:  # noqa: PLR2004 -- a 32-bit number
        raise ProtocolError(f"{what} without its number")
    return int.from_bytes(message.payload[:4])


def control(message_type: MessageType, value: int) -> Message:
    """A protocol control message with one number."""
    payload = struct.pack(">I", value)
    if message_type is MessageType.SET_PEER_BANDWIDTH:
        payload += bytes([DYNAMIC_PEER_BANDWIDTH])
    return Message(message_type, 0, 0, payload)


def user_control(event: int, value: int) -> Message:
    """A user control message, such as StreamBegin, about a stream or a time."""
    return Message(MessageType.USER_CONTROL, 0, 0, struct.pack(">HI", event, value))


def command(name: str, transaction: float, *arguments: object, stream_id: int = 0) -> Message:
    """A command message. Without an object as its first argument, its command object is null."""
    return Message(MessageType.COMMAND_AMF0, stream_id, 0, amf0.encode(name, transaction, *arguments))


def status(code: str, description: str, *, stream_id: int, level: str = "status") -> Message:
    """``onStatus``, which tells a publisher the state of its publication."""
    info = {"level": level, "code": code, "description": description}
    return command("onStatus", 0, None, info, stream_id=stream_id)
