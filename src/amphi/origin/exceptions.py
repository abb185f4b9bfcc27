"""What can go wrong at the origin.

OriginError
├── RTMPError                 the connection can't go on; its reason is logged, no other connection is touched
│   ├── HandshakeError
│   ├── ChunkError
│   ├── AMFError
│   └── ProtocolError         well-formed, but not allowed here or now
├── MediaError                the publisher's media can't be packaged
│   ├── UnsupportedCodecError
│   └── MalformedMediaError
└── PublishRefusedError       nobody may publish this name now, or not with this key
"""


class OriginError(Exception):
    """Any error of the origin."""


class RTMPError(OriginError):
    """The peer's bytes are not RTMP that can be served."""


class HandshakeError(RTMPError):
    """The handshake is for something else than plain RTMP."""


class ChunkError(RTMPError):
    """A chunk that can't be, or one beyond the limits."""


class AMFError(RTMPError):
    """A value that is not AMF0."""


class ProtocolError(RTMPError):
    """A message that is not allowed here or now."""


class MediaError(OriginError):
    """The publisher's media can't be packaged."""


class UnsupportedCodecError(MediaError):
    """A codec other than H.264 and AAC."""


class MalformedMediaError(MediaError):
    """A media tag or a codec configuration that can't be understood."""


class PublishRefusedError(OriginError):
    """This publication is not allowed; the message says why and holds no key."""
