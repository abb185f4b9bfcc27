"""What can go wrong between the audience and the stage.

AudienceError
├── ChatError                a listener's message was not taken; the text is a translated sentence for them
│   ├── EmptyMessageError
│   ├── MessageTooLongError
│   ├── TooManyMessagesError
│   ├── ChatClosedError
│   └── NothingRunsError
├── ReminderError            a reminder was not taken; the text is a translated sentence
├── VoiceError               a question, a vote or a hand was not taken; the text is a translated sentence for them
│   ├── VoiceClosedError
│   ├── InvalidVoiceError
│   ├── TooManyVoicesError
│   └── StageFullError
├── RegistrationError        a registration was not taken; the text is a translated sentence
├── LogUnavailableError      the log of the event streams can't be read just now
└── TooManyListenersError    this process carries as many streams as it may
    └── TooManyFromOneAddressError
"""


class AudienceError(Exception):
    """The root of this package's errors."""


class ChatError(AudienceError):
    """A listener's message was not taken; the text is a translated sentence for them."""

    code = "refused"


class EmptyMessageError(ChatError):
    """There is nothing to say in it."""

    code = "empty"


class MessageTooLongError(ChatError):
    """It has more characters than ``CHAT_MESSAGE_MAX_LENGTH``."""

    code = "too_long"


class TooManyMessagesError(ChatError):
    """Its author wrote ``CHAT_RATE_PER_MINUTE`` messages within a minute."""

    code = "too_many"


class ChatClosedError(ChatError):
    """The presenters closed the chat."""

    code = "chat_closed"


class NothingRunsError(ChatError):
    """There is no live to write to."""

    code = "nothing_runs"


class RegistrationError(AudienceError):
    """A registration was not taken; the text is a translated sentence for who asked."""


class ReminderError(AudienceError):
    """A reminder was not taken; the text is a translated sentence for who asked."""


class VoiceError(AudienceError):
    """A question, a vote or a hand was not taken; the text is a translated sentence for whoever gave it."""

    code = "refused"


class VoiceClosedError(VoiceError):
    """Nothing of the kind is taken here, or not any more."""

    code = "closed"


class InvalidVoiceError(VoiceError):
    """What was sent can't be taken: too long, empty, or of no choice that there is."""

    code = "invalid"


class TooManyVoicesError(VoiceError):
    """This viewer, or the event, has had as many as there may be."""

    code = "too_many"


class StageFullError(VoiceError):
    """As many listeners are on stage as may be."""

    code = "stage_full"


class TooManyListenersError(AudienceError):
    """This process carries as many streams as it may."""


class TooManyFromOneAddressError(TooManyListenersError):
    """One address holds as many of them as it may."""


class LogUnavailableError(AudienceError):
    """The log of the event streams can't be read just now."""
