"""One RTMP connection of a publisher, without I/O.

`Connection.receive_data` takes bytes and returns events; `Connection.data_to_send` returns bytes to send. After `PublishRequested`
the connection reads nothing until `accept_publish` or `refuse_publish` is called.
"""

import logging
from collections.abc import Callable
from enum import Enum, auto
from urllib.parse import unquote

from amphi.origin.exceptions import AMFError, ProtocolError
from amphi.origin.rtmp import amf0, messages
from amphi.origin.rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter, Message
from amphi.origin.rtmp.events import (
    AudioReceived,
    Event,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    VideoReceived,
)
from amphi.origin.rtmp.handshake import Handshake
from amphi.origin.rtmp.messages import MessageType

logger = logging.getLogger(__name__)

CommandHandler = Callable[[float, list[object], int], None]

WINDOW_BYTES = 2_500_000
SENT_CHUNK_BYTES = 4096
MAX_CHUNK_BYTES = 0x7FFFFFFF
FIRST_MESSAGE_STREAM = 1


# Before the publish is accepted: commands are few and short, and the peer may be anybody. Encoders need some twenty chunks.
STRANGER_LIMITS = ChunkLimits(message_bytes=65_536, chunk_streams=16, pending_bytes=131_072, chunks=1_024)


class State(Enum):
    HANDSHAKE = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    ASKING = auto()
    PUBLISHING = auto()
    UNPUBLISHED = auto()
    REFUSED = auto()


# Which message is legal in which state. Commands that are not listed are ignored in every state, since encoders send many of them.
# Media is still legal in UNPUBLISHED: encoders send some between FCUnpublish and deleteStream.
LEGAL: dict[str, frozenset[State]] = {
    "connect": frozenset({State.CONNECTING}),
    "createStream": frozenset({State.CONNECTED, State.UNPUBLISHED}),
    "publish": frozenset({State.CONNECTED, State.UNPUBLISHED}),
    "play": frozenset(),
    "play2": frozenset(),
    "FCUnpublish": frozenset(State) - {State.HANDSHAKE, State.CONNECTING},
    "closeStream": frozenset(State) - {State.HANDSHAKE, State.CONNECTING},
    "deleteStream": frozenset(State) - {State.HANDSHAKE, State.CONNECTING},
    "releaseStream": frozenset({State.CONNECTED, State.UNPUBLISHED}),
    "FCPublish": frozenset({State.CONNECTED, State.UNPUBLISHED}),
    "audio": frozenset({State.PUBLISHING, State.UNPUBLISHED}),
    "video": frozenset({State.PUBLISHING, State.UNPUBLISHED}),
    "data": frozenset({State.CONNECTED, State.PUBLISHING, State.UNPUBLISHED}),
}


class Connection:
    """The server's side of one RTMP connection.

    Args:
        limits: the limits once the peer may publish; before that, `STRANGER_LIMITS` apply.
    """

    def __init__(self, limits: ChunkLimits | None = None) -> None:
        self.state = State.HANDSHAKE
        self._handshake = Handshake()
        self._reader = ChunkReader(STRANGER_LIMITS)
        self._publisher_limits = limits or ChunkLimits()
        self._writer = ChunkWriter()
        self._received = bytearray()
        self._to_send = bytearray()
        self._events: list[Event] = []
        self._received_bytes = 0
        self._acknowledged_bytes = 0
        self._window_bytes = WINDOW_BYTES
        self._app = ""
        self._tc_url = ""
        self._flash_version = ""
        self._publish_stream_id = FIRST_MESSAGE_STREAM
        self._message_streams = 0
        self._has_told_of_metadata = False
        self._commands: dict[str, CommandHandler] = {
            "connect": self._connect,
            "createStream": self._create_stream,
            "releaseStream": self._acknowledge_command,
            "FCPublish": self._fc_publish,
            "publish": self._publish,
            "FCUnpublish": self._fc_unpublish,
            "closeStream": self._unpublish,
            "deleteStream": self._unpublish,
        }

    def receive_data(self, data: bytes) -> list[Event]:
        """Take the peer's bytes and return their events.

        Args:
            data: any piece of the byte stream.

        Raises:
            RTMPError: the connection must be closed; the message is the reason for the log.
        """
        self._received += data
        self._received_bytes += len(data)
        if self.state is State.HANDSHAKE:
            self._to_send += self._handshake.receive(self._received)
            if self._handshake.done:
                self.state = State.CONNECTING
        if self.state is not State.HANDSHAKE:
            self._read_messages()
            self._acknowledge_bytes()
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Return the bytes to send now; each is returned once."""
        data = bytes(self._to_send)
        self._to_send.clear()
        return data

    def accept_publish(self) -> list[Event]:
        """Accept the peer's request to publish.

        Returns:
            The events of bytes that the peer sent after its request.

        Raises:
            RTMPError: as for `receive_data`.
        """
        self._require_asking()
        self.state = State.PUBLISHING
        self._reader.limits = self._publisher_limits
        stream_id = self._publish_stream_id
        self._send(messages.user_control(messages.STREAM_BEGIN, stream_id), messages.CONTROL_CHUNK_STREAM)
        self._send(messages.status("NetStream.Publish.Start", "publishing", stream_id=stream_id))
        return self.receive_data(b"")

    def refuse_publish(self, description: str, *, code: str = "NetStream.Publish.Denied") -> None:
        """Refuse the peer's request to publish. Send the answer, then close the connection."""
        self._require_asking()
        self.state = State.REFUSED
        self._send(messages.status(code, description, stream_id=self._publish_stream_id, level="error"))

    def stop_publish(self, description: str) -> None:
        """Tell a publisher why it must stop. Send the message, then close the connection."""
        self.state = State.REFUSED
        stream_id = self._publish_stream_id
        self._send(
            messages.status("NetStream.Publish.Failed", description, stream_id=stream_id, level="error")
        )

    def _require_asking(self) -> None:
        if self.state is not State.ASKING:
            raise RuntimeError(f"the peer does not ask to publish, it is {self.state.name}")

    def _read_messages(self) -> None:
        if self.state in {State.ASKING, State.REFUSED}:
            return
        for message in self._reader.read(self._received):
            self._receive_message(message)
            if self.state in {State.ASKING, State.REFUSED}:
                return

    def _acknowledge_bytes(self) -> None:
        if self._received_bytes - self._acknowledged_bytes >= self._window_bytes:
            self._acknowledged_bytes = self._received_bytes
            acknowledged = self._received_bytes & 0xFFFFFFFF
            self._send(
                messages.control(MessageType.ACKNOWLEDGEMENT, acknowledged), messages.CONTROL_CHUNK_STREAM
            )

    def _send(self, message: Message, chunk_stream_id: int = messages.COMMAND_CHUNK_STREAM) -> None:
        self._to_send += self._writer.write(message, chunk_stream_id=chunk_stream_id)

    def _receive_message(self, message: Message) -> None:
        match message.type_id:
            case MessageType.AUDIO:
                if self._check_legal("audio"):
                    self._events.append(AudioReceived(message.timestamp, message.payload))
            case MessageType.VIDEO:
                if self._check_legal("video"):
                    self._events.append(VideoReceived(message.timestamp, message.payload))
            case MessageType.COMMAND_AMF0:
                self._receive_command(message.payload, message.stream_id)
            case MessageType.COMMAND_AMF3:
                # The first byte means that AMF0 follows; no encoder sends AMF3 here.
                self._receive_command(message.payload[1:], message.stream_id)
            case MessageType.DATA_AMF0:
                self._receive_metadata(message.payload)
            case MessageType.DATA_AMF3:
                self._receive_metadata(message.payload[1:])
            case MessageType.AGGREGATE:
                raise ProtocolError("aggregate messages are not supported")
            case _:
                self._receive_control(message)

    def _receive_control(self, message: Message) -> None:
        match message.type_id:
            case MessageType.SET_CHUNK_SIZE:
                size = messages.four_bytes(message, "SetChunkSize")
                if not 1 <= size <= MAX_CHUNK_BYTES:
                    raise ProtocolError(f"a chunk size of {size} bytes")
                self._reader.chunk_bytes = size
            case MessageType.ABORT:
                self._reader.abort(messages.four_bytes(message, "Abort"))
            case MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE:
                self._window_bytes = max(1, messages.four_bytes(message, "WindowAcknowledgementSize"))
            case MessageType.USER_CONTROL if message.payload[:2] == messages.PING_REQUEST.to_bytes(2):
                time = int.from_bytes(message.payload[2:6])
                pong = messages.user_control(messages.PING_RESPONSE, time)
                self._send(pong, messages.CONTROL_CHUNK_STREAM)
            case _:
                logger.debug("ignored a message of type %d", message.type_id)

    def _check_legal(self, kind: str) -> bool:
        """Whether to handle a message; media that comes after the end is ignored.

        Raises:
            ProtocolError: the message is not legal in this state.
        """
        if self.state not in LEGAL[kind]:
            raise ProtocolError(f"{kind} is not allowed while {self.state.name.lower()}")
        return self.state is State.PUBLISHING

    def _receive_metadata(self, payload: bytes) -> None:
        if not self._check_legal("data"):
            return
        try:
            values = amf0.decode(payload)
        except AMFError as error:
            # Metadata only describes the stream, so unreadable metadata does not end the connection.
            if not self._has_told_of_metadata:
                logger.info("ignored metadata that can't be read: %s", error)
            self._has_told_of_metadata = True
            return
        while values and isinstance(values[0], str):
            values.pop(0)
        if values and isinstance(values[0], dict):
            self._events.append(MetadataReceived(values[0]))

    def _receive_command(self, payload: bytes, stream_id: int) -> None:
        values = amf0.decode(payload)
        match values:
            case [str(name), float(transaction), *arguments]:
                pass
            case [str(name)]:
                transaction, arguments = 0.0, []
            case _:
                raise ProtocolError("a command without a name")
        if self.state is State.CONNECTING and name != "connect":
            raise ProtocolError(f"{name[:40]!r} before connect")
        if name in LEGAL:
            self._check_legal(name)
        handler = self._commands.get(name)
        if handler is None:
            logger.debug("ignored the command %.40r", name)
            return
        handler(transaction, arguments, stream_id)

    def _connect(self, transaction: float, arguments: list[object], _stream_id: int) -> None:
        properties = arguments[0] if arguments and isinstance(arguments[0], dict) else {}
        self._app = str(properties.get("app", "")).strip("/")
        self._tc_url = str(properties.get("tcUrl", "")).partition("?")[0]
        self._flash_version = str(properties.get("flashVer", ""))
        self.state = State.CONNECTED
        for kind in (MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, MessageType.SET_PEER_BANDWIDTH):
            self._send(messages.control(kind, WINDOW_BYTES), messages.CONTROL_CHUNK_STREAM)
        size = messages.control(MessageType.SET_CHUNK_SIZE, SENT_CHUNK_BYTES)
        self._send(size, messages.CONTROL_CHUNK_STREAM)
        self._writer.chunk_bytes = SENT_CHUNK_BYTES
        server = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}
        information = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "connected",
            "objectEncoding": 0,
        }
        self._send(messages.command("_result", transaction, server, information))

    def _create_stream(self, transaction: float, _arguments: list[object], _stream_id: int) -> None:
        self._message_streams += 1
        self._send(messages.command("_result", transaction, None, self._message_streams))

    def _acknowledge_command(self, transaction: float, _arguments: list[object], _stream_id: int) -> None:
        if transaction:
            self._send(messages.command("_result", transaction, None))

    def _fc_publish(self, transaction: float, arguments: list[object], stream_id: int) -> None:
        self._acknowledge_command(transaction, arguments, stream_id)
        information = {"code": "NetStream.Publish.Start", "description": "ready to publish"}
        self._send(messages.command("onFCPublish", 0, None, information))

    def _publish(self, _transaction: float, arguments: list[object], stream_id: int) -> None:
        match arguments:
            case [_, str(name), *_]:
                pass
            case _:
                raise ProtocolError("publish without a name")
        app, name = _join_again(self._app, name)
        app, app_arguments = _split_arguments(app)
        name, parameters = _split_arguments(name)
        self._publish_stream_id = stream_id or FIRST_MESSAGE_STREAM
        self.state = State.ASKING
        self._events.append(
            PublishRequested(
                app=app.strip("/"),
                name=name,
                arguments={**app_arguments, **parameters},
                tc_url=self._tc_url,
                flash_version=self._flash_version,
            )
        )

    def _fc_unpublish(self, transaction: float, arguments: list[object], stream_id: int) -> None:
        was_publishing = self.state is State.PUBLISHING
        self._unpublish(transaction, arguments, stream_id)
        if was_publishing:
            information = {"code": "NetStream.Unpublish.Success", "description": "unpublished"}
            self._send(messages.command("onFCUnpublish", 0, None, information))

    def _unpublish(self, _transaction: float, _arguments: list[object], _stream_id: int) -> None:
        if self.state is State.PUBLISHING:
            self.state = State.UNPUBLISHED
            self._events.append(PublishEnded())


def _join_again(app: str, name: str) -> tuple[str, str]:
    """The application and the name, also when ffmpeg split the address at a slash in the key (`rtmp_open` in its rtmpproto.c)."""
    path, mark, query = app.partition("?")
    path, slash, first = path.partition("/")
    return (path, f"{first}?{query}/{name}") if mark and slash else (app, name)


def _split_arguments(text: str) -> tuple[str, dict[str, str]]:
    """A name, and the parameters after its question mark.

    Encoders send the address as their user typed it: a key with ``+``, ``/`` or ``=`` may be percent-encoded or not. So ``+`` is not
    a space here, and a percent sign that encodes nothing stays.
    """
    name, _, query = text.partition("?")
    arguments = {}
    for item in query.split("&") if query else ():
        key, _, value = item.partition("=")
        arguments[unquote(key)] = unquote(value)
    return name, arguments
