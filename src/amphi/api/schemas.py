"""What the API takes and gives. Times have an offset from UTC; durations are whole minutes."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from amphi.meetings.recurrence import MOST
from amphi.system.typed import clean_line, clean_text

LONGEST_MINUTES = 24 * 60
FIRST_YEAR, LAST_YEAR = 2000, 2999
LARGEST_OFFSET = timedelta(hours=15)
"""From UTC. The world's largest are 12 and 14 hours; PostgreSQL takes less than 16."""


def _of_our_times(at: Any) -> Any:
    """Times that every calendar and database can hold, in whatever zone."""
    offset = abs(at.utcoffset() or timedelta()) if isinstance(at, datetime) else timedelta()
    if not FIRST_YEAR <= at.year <= LAST_YEAR or offset > LARGEST_OFFSET:
        raise ValueError(_("This value is out of range."))
    return at


At = Annotated[AwareDatetime, AfterValidator(_of_our_times), Field(examples=["2026-01-31T14:00:00+01:00"])]
Day = Annotated[date, AfterValidator(_of_our_times)]
Minutes = Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]
Name = Annotated[str, Field(max_length=250), AfterValidator(clean_line)]
Line = Annotated[str, Field(max_length=254), AfterValidator(clean_line)]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(clean_text)]
Password = Annotated[str, Field(max_length=64), AfterValidator(clean_line)]
Policy = Literal["ALWAYS_ACCEPT", "ASK_MODERATOR", "ALWAYS_DENY"]
Repeats = Literal["", "daily", "weekly", "monthly", "yearly"]
People = Annotated[list[Line], Field(max_length=100)]


class Given(Schema):
    """A body: unknown fields are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class Me(Schema):
    username: str
    name: str
    token: str
    scopes: list[str]
    expires_at: datetime


# --- meetings and webinars


class Common(Given):
    """What meetings and webinars share. Fields that are left out keep their value, or get the default."""

    name: Name | None = None
    description: Text | None = None
    start_at: At | None = None
    duration_minutes: Minutes | None = None
    additional_owners: Annotated[
        People | None, Field(description="User names or email addresses of accounts.")
    ] = None
    is_restricted: bool | None = None
    access_groups: Annotated[
        Annotated[list[Line], Field(max_length=100)] | None, Field(description="Codes of groups.")
    ] = None
    password: Password | None = None
    guest_policy: Policy | None = None
    is_recorded: bool | None = None
    lock_cam: bool | None = None
    lock_mic: bool | None = None
    lock_public_chat: bool | None = None
    lock_private_chat: bool | None = None
    lock_notes: bool | None = None
    hide_user_list: bool | None = None


class MeetingChange(Common):
    recurrence: Repeats | None = None
    recurrence_days: Annotated[
        list[Annotated[int, Field(ge=0, le=6)]] | None, Field(max_length=7, description="0 is Monday.")
    ] = None
    recurrence_until: Day | None = None
    recurrence_times: Annotated[int, Field(ge=2, le=MOST)] | None = None


class NewMeeting(MeetingChange):
    name: Name
    start_at: At
    duration_minutes: Minutes


class WebinarChange(Common):
    enable_chat: bool | None = None


class NewWebinar(WebinarChange):
    name: Name
    start_at: At
    duration_minutes: Minutes


class MeetingOut(Schema):
    slug: str
    url: str
    name: str
    description: str
    owner: str
    additional_owners: list[str]
    start_at: datetime
    duration_minutes: int
    recurrence: str
    recurrence_days: list[int]
    recurrence_until: date | None
    recurrence_times: int | None
    is_personal: bool
    is_restricted: bool
    access_groups: list[str]
    password: str
    guest_policy: str
    is_recorded: bool
    lock_cam: bool
    lock_mic: bool
    lock_public_chat: bool
    lock_private_chat: bool
    lock_notes: bool
    hide_user_list: bool
    has_slides: bool
    is_open: Annotated[bool, Field(description="Whether it was started, and did not end yet.")]
    started_at: datetime | None
    ended_at: datetime | None


State = Literal["idle", "starting", "live", "recovering", "stopping", "stopped", "failed"]


class Live(Schema):
    """The live of a webinar. `live` means that pictures arrive."""

    state: State
    since: datetime
    is_backstage: bool
    went_live_at: datetime | None
    error: Annotated[str, Field(description="A code; empty while all is well.")]
    gateway: str
    listeners: int
    participants: int | None
    can: Annotated[
        list[Literal["start", "stop", "restart", "open", "end"]],
        Field(description="What can be done with it now."),
    ]


class WebinarOut(MeetingOut):
    enable_chat: bool
    event: Annotated[str, Field(description="The slug of its event.")]
    event_url: Annotated[str, Field(description="Where listeners watch.")]
    presenters_url: Annotated[
        str, Field(description="Lets presenters without an account in: keep it secret.")
    ]
    live: Live


class Started(Schema):
    join_url: Annotated[
        str, Field(description="Where the browser of the moderator goes. It belongs to them alone.")
    ]


class Deletion(Schema):
    is_deleted: Annotated[bool, Field(description="False while its live is still being ended.")]


# --- the audience

EventState = Literal["waiting", "starting", "live", "recovering", "over"]


class EventOut(Schema):
    slug: str
    url: str
    title: str
    description: str
    speakers: str
    owner: str
    start_at: datetime
    end_at: datetime
    state: EventState
    is_restricted: bool
    has_password: bool
    needs_registration: bool
    enable_chat: bool
    enable_questions: bool


class MessageOut(Schema):
    id: UUID
    author: Annotated[str, Field(description="Empty where names are hidden.")]
    role: Literal["listener", "guest", "moderator", "presenter"]
    source: Literal["listener", "meeting"]
    text: str
    visibility: Literal["shown", "waiting", "hidden"]
    reply_to: UUID | None
    at: datetime


class NewMessage(Given):
    text: Annotated[str, Field(max_length=10_000)]
    reply_to: UUID | None = None


class QuestionOut(Schema):
    id: UUID
    author: str
    text: str
    answer: str
    state: Literal["waiting", "open", "current", "answered", "hidden"]
    votes: int
    at: datetime


class NewQuestion(Given):
    text: Annotated[str, Field(max_length=10_000)]
    is_anonymous: bool = False


# --- attendance


class SessionOut(Schema):
    id: int
    started_at: datetime
    ended_at: datetime | None


class ComingOut(Schema):
    """One stay of a person in the meeting."""

    name: str
    account: str
    email: str
    is_moderator: bool
    joined_at: datetime
    left_at: datetime | None


class AiringOut(Schema):
    """One time on the air."""

    id: int
    began_at: datetime
    ended_at: datetime | None


class MinuteOut(Schema):
    at: datetime
    listeners: int


class AiringFigures(AiringOut):
    viewers: int
    anonymous: int
    average_minutes: float | None
    curve: list[MinuteOut]


class ListenerOut(Schema):
    """Somebody who listened, by their account, registration or pseudonym."""

    name: str
    account: str
    email: str
    minutes: int
    came_at: datetime
    left_at: datetime


# --- replays

ShownTo = Literal["presenters", "attendees", "public"]


class ReplayOut(Schema):
    id: int
    url: str
    began_at: datetime
    ended_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    shown_to: ShownTo
    days: int
    delete_at: datetime | None


class ReplayChange(Given):
    shown_to: ShownTo | None = None
    days: Annotated[int, Field(ge=1, le=36_500)] | None = None


# --- administration


class GatewayOut(Schema):
    id: int
    name: str
    kind: str
    is_busy: bool
    webinar: Annotated[str | None, Field(description="The slug of the webinar that it carries now.")]


class Health(Schema):
    lives: Annotated[dict[str, int], Field(description="How many lives are in each state.")]
    gateways: int
    gateways_busy: int
    listeners: int
    workers: int
    looks_due: int
    jobs_retiring: int
    mails_waiting: int
    messages_waiting: int
    webhooks_waiting: int
