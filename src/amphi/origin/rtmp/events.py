"""The events that a connection reports to its server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """The peer asks to publish; the connection reads nothing until the answer.

    Attributes:
        app: the application, such as ``live``.
        name: the stream's name.
        arguments: the parameters of the publish address; those after the name override those after the application.
        tc_url: the address that the peer connected to, without its parameters.
        flash_version: the peer's name for its software.
    """

    app: str
    name: str
    arguments: dict[str, str]
    tc_url: str
    flash_version: str


@dataclass(frozen=True, slots=True)
class MetadataReceived:
    """``onMetaData``: the encoder's description of its stream, which may be wrong."""

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
    """The publisher ends its publication (FCUnpublish, closeStream or deleteStream)."""


Event = PublishRequested | MetadataReceived | AudioReceived | VideoReceived | PublishEnded
