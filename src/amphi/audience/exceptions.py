"""Errors of the audience.

AudienceError
├── ChatError                a listener's message was refused; the text is a translated sentence for them
│   ├── EmptyMessageError
│   ├── MessageTooLongError
│   ├── TooManyMessagesError
│   ├── CrowdedError
│   ├── ChatClosedError
│   ├── MutedError
│   ├── QuestionsOnlyError
│   ├── SlowDownError
│   ├── GuestNameError
│   └── NothingRunsError
├── CaptionError             a caption was refused; the text is an English sentence for whoever runs what sends it
│   ├── InvalidCaptionError
│   ├── CaptionsOffError
│   ├── NothingOnAirError
│   └── TooManyCaptionsError
├── ReminderError            a reminder was refused; the text is a translated sentence
├── ReplayError              a replay can't be so; the text is a translated sentence for who presents
├── ModerationError          what a moderator asked for is not possible; the text is a translated sentence for them
├── VoiceError               a question, a vote or a hand was refused; the text is a translated sentence for them
│   ├── VoiceClosedError
│   ├── InvalidVoiceError
│   ├── TooManyVoicesError
│   └── StageFullError
├── PosterError              a file is no poster; the text is a translated sentence
├── RegistrationError        a registration was refused; the text is a translated sentence
├── SurveyAddressError       an address of a survey was refused; the text is a translated sentence
├── LogUnavailableError      the log of the event streams can't be read now
└── TooManyListenersError    this process has its largest number of streams
    └── TooManyFromOneAddressError
"""


class AudienceError(Exception):
    """The base of all errors here."""


class ChatError(AudienceError):
    """A listener's message was refused; the text is a translated sentence for them."""

    code = "refused"


class EmptyMessageError(ChatError):
    """The message has no visible text."""

    code = "empty"


class MessageTooLongError(ChatError):
    """The message has more characters than ``CHAT_MESSAGE_MAX_LENGTH``."""

    code = "too_long"


class TooManyMessagesError(ChatError):
    """The author wrote ``CHAT_RATE_PER_MINUTE`` messages within a minute."""

    code = "too_many"


class CrowdedError(ChatError):
    """The webinar has as many messages as it takes just now, from whomever."""

    code = "crowded"


class ChatClosedError(ChatError):
    """The presenters closed the chat."""

    code = "chat_closed"


class MutedError(ChatError):
    """A moderator took the word from its author."""

    code = "muted"


class QuestionsOnlyError(ChatError):
    """Listeners write questions here, and no messages."""

    code = "questions_only"


class SlowDownError(ChatError):
    """Its author wrote a moment ago, and the discussion is slow."""

    code = "slow"


class GuestNameError(ChatError):
    """A guest can't have this name."""

    code = "name"


class ModerationError(AudienceError):
    """What a moderator asked for is not possible; the text is a translated sentence for them."""

    code = "refused"


class NothingRunsError(ChatError):
    """No live is running."""

    code = "nothing_runs"


class PosterError(AudienceError):
    """A file is no poster; the text is a translated sentence for who uploaded it."""


class RegistrationError(AudienceError):
    """A registration was refused; the text is a translated sentence for the person."""


class ReplayError(AudienceError):
    """A replay can't be so; the text is a translated sentence for who presents."""


class CaptionError(AudienceError):
    """A caption was refused; the text is an English sentence for whoever runs what sends it."""

    code = "refused"


class InvalidCaptionError(CaptionError):
    """It is no caption: no text, too long, or a time that can't be."""

    code = "invalid"


class CaptionsOffError(CaptionError):
    """The event has its captions from elsewhere, or none."""

    code = "off"


class NothingOnAirError(CaptionError):
    """Nobody sees a picture that it could belong to."""

    code = "not_live"


class TooManyCaptionsError(CaptionError):
    """The event has had its largest number, in a minute or in all."""

    code = "too_many"


class ReminderError(AudienceError):
    """A reminder was refused; the text is a translated sentence for the person."""


class VoiceError(AudienceError):
    """A question, a vote or a hand was refused; the text is a translated sentence for the listener."""

    code = "refused"


class VoiceClosedError(VoiceError):
    """This is switched off or closed."""

    code = "closed"


class InvalidVoiceError(VoiceError):
    """The input is invalid: too long, empty, or not one of the choices."""

    code = "invalid"


class TooManyVoicesError(VoiceError):
    """This viewer, or the event, has reached a limit."""

    code = "too_many"


class StageFullError(VoiceError):
    """The largest number of listeners is on stage already."""

    code = "stage_full"


class SurveyAddressError(AudienceError):
    """An address of a survey was refused; the text is a translated sentence."""


class TooManyListenersError(AudienceError):
    """This process has its largest number of streams."""


class TooManyFromOneAddressError(TooManyListenersError):
    """This address has its largest number of streams."""


class LogUnavailableError(AudienceError):
    """The log of the event streams can't be read now."""
