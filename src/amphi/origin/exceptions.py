"""Errors of the origin.

OriginError
├── RTMPError                 this connection must be closed; others go on
│   ├── HandshakeError
│   ├── ChunkError
│   ├── AMFError
│   └── ProtocolError         well-formed, but not allowed here or now
├── MediaError                the publisher's media can't be packaged
│   ├── UnsupportedCodecError
│   └── MalformedMediaError
└── PublishRefusedError       this name can't be published now, or not with this key
"""


class OriginError(Exception):
    """The base of all errors here."""


class RTMPError(OriginError):
    """The peer's bytes are not RTMP, or RTMP that this server does not support."""


class HandshakeError(RTMPError):
    """The handshake is not that of plain RTMP."""


class ChunkError(RTMPError):
    """A chunk is invalid or exceeds the limits."""


class AMFError(RTMPError):
    """A value is not valid AMF0."""


class ProtocolError(RTMPError):
    """A message is not allowed in this state."""


class MediaError(OriginError):
    """The publisher's media can't be packaged."""


class UnsupportedCodecError(MediaError):
    """A codec other than H.264 and AAC."""


class MalformedMediaError(MediaError):
    """A media tag or a codec configuration is invalid."""


class PublishRefusedError(OriginError):
    """This publication is not allowed; the message says why and contains no key."""
