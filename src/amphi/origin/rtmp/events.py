"""What a connection tells its server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """The peer asks to publish; the connection reads no further until the answer.

    Attributes:
        app: the application, such as ``live``.
        name: the stream's name.
        arguments: the parameters of the publish address; those of the name win over those of the application.
        tc_url: the address that the peer connected to, without its parameters.
        flash_version: what the peer calls itself.
    """

    app: str
    name: str
    arguments: dict[str, str]
    tc_url: str
    flash_version: str


@dataclass(frozen=True, slots=True)
class MetadataReceived:
    """``onMetaData``: what the encoder says of its stream; not to be relied on."""

    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """One FLV audio tag's body, with its time in milliseconds modulo 2**32."""

    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class VideoReceived:
    """One FLV video tag's body, with its time in milliseconds modulo 2**32."""

    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """The publisher said that it ends (FCUnpublish, closeStream or deleteStream)."""


Event = PublishRequested | MetadataReceived | AudioReceived | VideoReceived | PublishEnded
