"""The models of the audience, one module for each subject."""

from amphi.audience.models.addressees import Addressee, Reminder
from amphi.audience.models.attendance import Airing, AiringMinute, Presence
from amphi.audience.models.captions import Caption, CaptionFeed
from amphi.audience.models.chat import Guest, Message, MessageReaction, Restraint, Visibility
from amphi.audience.models.events import (
    ON_AIR,
    Broadcaster,
    CaptionsFrom,
    ChatMode,
    Event,
    EventState,
    ReplayFor,
    ToMeeting,
    stream_name,
)
from amphi.audience.models.hands import HAND_TAKES_A_PLACE, HAND_UP, Hand, HandState
from amphi.audience.models.polls import Ballot, Poll, PollChoice, PollState
from amphi.audience.models.posters import Poster
from amphi.audience.models.questions import QUESTION_SHOWN, Question, QuestionState, QuestionVote
from amphi.audience.models.reception import Reception
from amphi.audience.models.registrations import Registration, RegistrationRules
from amphi.audience.models.replays import SHOWN_TO, BucketItem, Chapter, PodTransfer, Replay
from amphi.audience.models.stream import Audience, Channel, StreamMessage
from amphi.audience.models.viewers import Role

__all__ = [
    "HAND_TAKES_A_PLACE",
    "HAND_UP",
    "ON_AIR",
    "QUESTION_SHOWN",
    "SHOWN_TO",
    "Addressee",
    "Airing",
    "AiringMinute",
    "Audience",
    "Ballot",
    "Broadcaster",
    "BucketItem",
    "Caption",
    "CaptionFeed",
    "CaptionsFrom",
    "Channel",
    "Chapter",
    "ChatMode",
    "Event",
    "EventState",
    "Guest",
    "Hand",
    "HandState",
    "Message",
    "MessageReaction",
    "PodTransfer",
    "Poll",
    "PollChoice",
    "PollState",
    "Poster",
    "Presence",
    "Question",
    "QuestionState",
    "QuestionVote",
    "Reception",
    "Registration",
    "RegistrationRules",
    "Reminder",
    "Replay",
    "ReplayFor",
    "Restraint",
    "Role",
    "StreamMessage",
    "ToMeeting",
    "Visibility",
    "stream_name",
]
