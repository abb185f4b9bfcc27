"""Live events, their discussion and their questions."""

from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import Field

from amphi.api import planning, rules
from amphi.api.documents import refuses
from amphi.api.door import Scope, TokenRequest
from amphi.api.paging import Paged, PageOf, page
from amphi.api.rules import Slug
from amphi.api.schemas import At, EventOut, Line, MessageOut, NewMessage, NewQuestion, QuestionOut
from amphi.audience import domain, listing, questions, rights
from amphi.audience.models import QUESTION_SHOWN, Event, Message, Question, Role, Visibility
from amphi.audience.queries import listener_state, shown_name
from amphi.audience.speakers import account_speaker

router = Router()
READ, WRITE = Scope("audience:read"), Scope("audience:write")
SAID = (Message.Source.LISTENER, Message.Source.MEETING)


class EventFilters(Paged):
    when: Literal["", "on_air", "coming", "past"] = ""
    q: Annotated[Line, Field(description="Words of its title, description or speakers.", max_length=100)] = ""
    starts_after: At | None = None
    starts_before: At | None = None


def _event(event: Event) -> dict[str, Any]:
    return {
        "url": settings.AMPHI_URL + event.get_absolute_url(),
        "owner": str(event.owner),
        "state": listener_state(event, timezone.now()),
        "has_password": bool(event.password),
        **{
            name: getattr(event, name)
            for name in (
                *("slug", "title", "description", "speakers", "start_at", "end_at", "is_restricted"),
                *("needs_registration", "enable_chat", "enable_questions"),
            )
        },
    }


@router.get(
    "", response=PageOf[EventOut], auth=READ, operation_id="list_events", summary="Published live events"
)
def list_events(request: TokenRequest, asked: Query[EventFilters]) -> dict[str, Any]:  # noqa: ARG001 -- the same for all
    """What the page of live events lists: the latest first."""
    rows, now = listing.listed(asked.q), timezone.now()
    if asked.when:
        choose = {"on_air": listing.on_air, "coming": listing.coming, "past": listing.past}[asked.when]
        rows = choose(rows, now)
    rows = planning.is_during(rows, "start_at", asked.starts_after, asked.starts_before)
    return page(rows, asked, by=["-start_at", "-pk"], show=_event)


@router.get("/{slug}", response=EventOut, auth=READ, operation_id="get_event", summary="One live event")
def get(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """One live event, whether you may watch it or not."""
    return _event(rules.found(request.user, slug))


# --- its discussion


@router.get(
    "/{slug}/messages",
    response=PageOf[MessageOut],
    auth=READ,
    operation_id="list_messages",
    summary="The discussion",
)
def messages(request: TokenRequest, slug: Slug, asked: Query[Paged]) -> dict[str, Any]:
    """The discussion, from its beginning. Those who keep order there also read what is hidden or waits."""
    event = rules.admitted(request.user, slug)
    keeps_order = rights.moderates_event(request.user, event)
    rows = event.messages.filter(source__in=SAID)
    if not keeps_order:
        rows = rows.filter(visibility=Visibility.SHOWN)

    def show(message: Message) -> dict[str, Any]:
        message.event = event
        return _message(message, named=keeps_order)

    return page(rows, asked, by=["created_at", "pk"], show=show)


def _message(message: Message, *, named: bool) -> dict[str, Any]:
    is_said = message.source == Message.Source.MEETING
    return {
        "id": message.pk,
        "author": shown_name(message, named=named),
        "role": Role.PRESENTER if is_said else message.role,
        "source": message.source,
        "text": message.text,
        "visibility": message.visibility,
        "reply_to": message.reply_to_id,
        "at": message.created_at,
    }


@router.post(
    "/{slug}/messages",
    response={201: MessageOut},
    auth=WRITE,
    operation_id="write_message",
    summary="Write a message",
)
def write(request: TokenRequest, slug: Slug, given: NewMessage) -> Status[dict[str, Any]]:
    """Write in the discussion, by its rules and limits."""
    event = rules.admitted(request.user, slug)
    message = domain.write_message(event, user=request.user, text=given.text, reply_to=given.reply_to)
    return Status(201, _message(message, named=True))


# --- its questions


@router.get(
    "/{slug}/questions",
    response=PageOf[QuestionOut],
    auth=READ,
    operation_id="list_questions",
    summary="Questions",
)
def list_questions(request: TokenRequest, slug: Slug, asked: Query[Paged]) -> dict[str, Any]:
    """The questions, from the first one. Those who keep order there also read what is hidden or waits, and who asked."""
    event = rules.admitted(request.user, slug)
    keeps_order = rights.moderates_event(request.user, event)
    rows = event.questions.all()
    if not keeps_order:
        rows = rows.filter(state__in=QUESTION_SHOWN)
    named = keeps_order or questions.shows_names(event)
    return page(
        rows, asked, by=["created_at", "pk"], show=lambda row: _question(row, named=named, knows=keeps_order)
    )


def _question(question: Question, *, named: bool, knows: bool) -> dict[str, Any]:
    return {
        "id": question.pk,
        "author": question.author_name if named and (knows or not question.is_anonymous) else "",
        "text": question.text,
        "answer": question.answer,
        "state": question.state,
        "votes": question.votes,
        "at": question.created_at,
    }


@router.post(
    "/{slug}/questions",
    response={201: QuestionOut},
    auth=WRITE,
    operation_id="ask_question",
    summary="Ask a question",
    openapi_extra=refuses(),
)
def ask(request: TokenRequest, slug: Slug, given: NewQuestion) -> Status[dict[str, Any]]:
    """Ask a question, by the rules and limits of the event."""
    event = rules.admitted(request.user, slug)
    speaker = account_speaker(request.user, event)
    asked = questions.ask(event, by=speaker, text=given.text, anonymous=given.is_anonymous)
    return Status(201, _question(asked, named=True, knows=True))
