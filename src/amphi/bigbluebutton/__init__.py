"""A client of BigBlueButton 2.6, 2.7 and 3.0, alone or behind Scalelite; usable on its own.

Synchronous: worker threads call it, where blocking calls with a deadline are simplest to read and to test. Asynchronous code can use
`asyncio.to_thread`. Each `Server` has one HTTP client, with time limits for connecting and for the whole call, verified TLS and an
optional CA file.

    server = Server("https://bbb.example.org/bigbluebutton/api", secret)
    server.create("calculus-1", "Calculus", parameters={"record": "true"})
    url = server.join_url("calculus-1", "Ada", role="MODERATOR")

`bot` has the join parameters of a streaming bot, `chat` converts chat messages, `webhooks` verifies and parses the server's deliveries.
"""

from amphi.bigbluebutton.bot import bot_parameters
from amphi.bigbluebutton.checksum import ALGORITHMS, Algorithm
from amphi.bigbluebutton.exceptions import (
    AnswerTooLargeError,
    BigBlueButtonError,
    CallNotSupportedError,
    ChecksumRefusedError,
    ForbiddenXmlError,
    HookNotFoundError,
    HttpStatusError,
    InvalidArgumentError,
    InvalidSignatureError,
    MalformedDeliveryError,
    MalformedXmlError,
    MeetingExistsError,
    MeetingNotFoundError,
    MisconfiguredServerError,
    NoAnswerError,
    NotXmlError,
    RedirectedError,
    RefusedError,
    ServerFailedError,
    ServerTimeoutError,
    StaleDeliveryError,
    UnexpectedAnswerError,
    UnreachableError,
    UntrustedServerError,
    WebhookError,
    WebhooksUnavailableError,
)
from amphi.bigbluebutton.objects import (
    Attendee,
    Capabilities,
    CreatedMeeting,
    Hook,
    JoinRole,
    MeetingInfo,
    PlaybackFormat,
    Presentation,
    Recording,
)
from amphi.bigbluebutton.server import Server

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "AnswerTooLargeError",
    "Attendee",
    "BigBlueButtonError",
    "CallNotSupportedError",
    "Capabilities",
    "ChecksumRefusedError",
    "CreatedMeeting",
    "ForbiddenXmlError",
    "Hook",
    "HookNotFoundError",
    "HttpStatusError",
    "InvalidArgumentError",
    "InvalidSignatureError",
    "JoinRole",
    "MalformedDeliveryError",
    "MalformedXmlError",
    "MeetingExistsError",
    "MeetingInfo",
    "MeetingNotFoundError",
    "MisconfiguredServerError",
    "NoAnswerError",
    "NotXmlError",
    "PlaybackFormat",
    "Presentation",
    "Recording",
    "RedirectedError",
    "RefusedError",
    "Server",
    "ServerFailedError",
    "ServerTimeoutError",
    "StaleDeliveryError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UntrustedServerError",
    "WebhookError",
    "WebhooksUnavailableError",
    "bot_parameters",
]
