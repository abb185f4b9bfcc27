"""Who may do what in the hall: each address of the discussion, questions, polls, hands and files, for each kind of person."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from amphi.audience import claims, domain, hands, polls, questions, rights
from amphi.audience.domain import new_visitor
from amphi.audience.guests import become_guest
from amphi.audience.models import Event, HandState, Restraint
from amphi.audience.speakers import Speaker
from amphi.pages.live.viewers import VISITOR_COOKIE
from amphi.system import tickets
from tests.audience.hall import hall
from tests.factories import make_user
from tests.test_access import patterns

pytestmark = pytest.mark.django_db

# What a script is answered: 401 to log in first, 403 refused, 422 not possible in this state.
PEOPLE = (
    "anonymous",
    "guest",
    "banned guest",
    "listener",
    "muted",
    "banned",
    "moderator",
    "presenter",
    "superuser",
)
MATRIX: dict[str, tuple[str, dict[str, str], int, int, int, int, int, int, int, int, int]] = {
    "live:ask": ("post", {"text": "Pourquoi ?"}, 401, 200, 403, 200, 422, 403, 200, 200, 200),
    "live:question_vote": ("post", {"wanted": "1"}, 200, 200, 403, 200, 200, 403, 200, 200, 200),
    "live:poll_vote": ("post", {"choice": "0"}, 200, 200, 403, 200, 200, 403, 200, 200, 200),
    "live:hand": ("post", {"action": "raise"}, 401, 200, 403, 200, 422, 403, 200, 200, 200),
    # Nobody of these is invited: they are sent back to the live.
    "live:stage": ("get", {}, 401, 302, 403, 302, 302, 403, 302, 302, 302),
    "live:desk": ("get", {}, 401, 401, 403, 403, 403, 403, 200, 200, 200),
    # Where the desk was: bookmarks go on.
    "live:voices": ("get", {}, 401, 401, 403, 403, 403, 403, 302, 302, 302),
    "live:voices_question": ("post", {"action": "take"}, 401, 401, 403, 403, 403, 403, 200, 200, 200),
    "live:voices_new_poll": (
        "post",
        {"question": "?", "choices": "a\nb"},
        401,
        401,
        403,
        403,
        403,
        403,
        302,
        302,
        302,
    ),
    "live:voices_poll": ("post", {"action": "close"}, 401, 401, 403, 403, 403, 403, 200, 200, 200),
    "live:voices_hand": ("post", {"action": "invite"}, 401, 401, 403, 403, 403, 403, 200, 200, 200),
    "live:export": ("get", {}, 401, 401, 403, 403, 403, 403, 200, 200, 200),
}


# Over page, facts, stream, messages, reactions and order; a ticket that was given before opens the stream, or not.
DISCUSSION = {
    "page": (200, 200, 403, 200, 200, 403, 200, 200, 200),
    "facts": (200, 200, 403, 200, 200, 403, 200, 200, 200),
    "stream": (True, True, False, True, True, False, True, True, True),
    "write": (401, 201, 403, 201, 422, 403, 201, 201, 201),
    "react": (401, 200, 403, 200, 422, 403, 200, 200, 200),
    "moderation": (401, 401, 403, 403, 403, 403, 200, 200, 200),
    "hide": (401, 401, 403, 403, 403, 403, 201, 201, 201),
}


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(enable_hands=True, stage_places=9, enable_chat=True)


def client_of(person: str, event: Event) -> Client:
    client = Client(headers={"Accept": "application/json"})
    if person == "anonymous" or person.endswith("guest"):
        visitor = new_visitor()
        client.cookies[VISITOR_COOKIE] = visitor
        viewer = f"a{visitor}"
        if person.endswith("guest"):
            Event.objects.filter(pk=event.pk).update(guests_may_write=True)
            become_guest(event, viewer=viewer, name="Zoé", network="127.0.0.1")
    else:
        superuser = {"is_superuser": True} if person == "superuser" else {}
        user = event.owner if person == "presenter" else make_user(person, **superuser)
        client.force_login(user)
        viewer = f"u{user.pk}"
        if person == "moderator":
            event.moderators.add(user)
    if person in {"muted", "banned", "banned guest"}:
        kind = "muted" if person == "muted" else "banned"
        Restraint.objects.create(event=event, viewer=viewer, kind=kind, name=person)
    return client


def address(name: str, event: Event) -> str:
    """The address of something that is there, and that it can be done to."""
    user = make_user()
    by = Speaker(f"u{user.pk}", str(user), user)
    more: list[object] = []
    if name in {"live:question_vote", "live:voices_question"}:
        more = [questions.ask(event, by=by, text="Pourquoi ?").pk]
    elif name in {"live:poll_vote", "live:voices_poll"}:
        poll = polls.make(event, question="?", choices=["a", "b"], multiple=False, opens=True, user=user)
        more = [poll.pk]
    elif name == "live:voices_hand":
        more = [hands.raise_hand(event, by=by).token]
    elif name == "live:export":
        more = ["questions", "csv"]
    return reverse(name, args=[event.slug, *more])


def answers(event: Event, person: str) -> dict[str, int]:
    client = client_of(person, event)
    return {
        name: getattr(client, method)(address(name, event), fields).status_code
        for name, (method, fields, *_) in MATRIX.items()
    }


def test_matrix_names_all_that_is_done_in_the_hall():
    of_hall = {
        name
        for name, pattern in patterns(get_resolver())
        if name.startswith("live:") and pattern.callback.__module__.endswith(("voice_views", "usher_views"))
    }
    assert of_hall == set(MATRIX)


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix(event, person):
    column = 2 + PEOPLE.index(person)
    assert answers(event, person) == {name: row[column] for name, row in MATRIX.items()}


def hears(event: Event, client: Client, person: str) -> bool:
    """Whether a ticket that was given before opens the stream now."""
    page = Client() if "banned" in person else client
    text = page.get(event.get_absolute_url()).content.decode()
    ticket = re.search(r"ticket=([^\"&]+)", text)[1]
    claim = claims.claim_of(tickets.verify(domain.ticket_key(), ticket, now=0))
    if "banned" in person:
        claim = claim._replace(viewer=Restraint.objects.get().viewer)
    return not rights.refused([claim])


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix_of_the_discussion(event, person):
    said = domain.write_message(event, user=make_user("lea"), text="Bonjour")
    client = client_of(person, event)

    def post(name: str, *args: str, **data: str) -> int:
        return client.post(reverse(f"live:{name}", args=[event.slug, *args]), data).status_code

    def get(name: str) -> int:
        return client.get(reverse(f"live:{name}", args=[event.slug])).status_code

    got = {
        "page": get("event"),
        "facts": get("state"),
        "stream": hears(event, client, person),
        "write": post("message", text="Bonjour"),
        "react": post("react", message=str(said.pk), kind="clap", wanted="1"),
        "moderation": get("moderation"),
        "hide": post("moderate", "hide", id=str(said.pk)),
    }
    assert got == {name: row[PEOPLE.index(person)] for name, row in DISCUSSION.items()}
    said.refresh_from_db()
    keeps_order = person in {"moderator", "presenter", "superuser"}
    assert said.visibility == ("hidden" if keeps_order else "shown")


@pytest.mark.parametrize(("person", "status"), [("anonymous", 401), ("listener", 403)])
def test_who_may_not_watch_does_nothing_in_the_hall(event, person, status):
    Event.objects.update(is_restricted=True)
    event.access_groups.create(code_name="members", display_name="Members")
    assert set(answers(event, person).values()) == {status}


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row[0] == "post"])
def test_change_needs_a_post_with_a_token(event, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(event.owner)
    url = address(name, event)
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403


@pytest.mark.parametrize("state", [HandState.INVITED, HandState.ON_STAGE])
def test_stage_is_open_to_the_invited_alone(event, state):
    invited = make_user("invited")
    hand = hands.raise_hand(event, by=Speaker(f"u{invited.pk}", "Invited", invited))
    event.hands.update(state=state)
    url = reverse("live:stage", args=[event.slug])
    for user, status in ((invited, 200), (make_user(), 302), (event.owner, 302)):
        client = Client()
        client.force_login(user)
        assert client.get(url).status_code == status
    hands.lower_other(event, hand.token)
    client.force_login(invited)
    assert client.get(url).status_code == 302


@pytest.mark.parametrize(
    "name", ["live:question_vote", "live:voices_question", "live:poll_vote", "live:voices_poll"]
)
def test_what_belongs_to_another_event_is_not_found_here(event, name):
    other = hall()
    url = address(name, other).replace(other.slug, event.slug)
    client = client_of("presenter", event)
    fields = {"action": "close", "choice": "0"} if "poll" in name else {"action": "take"}
    assert client.post(url, fields).status_code == 422
    assert client.post(url.replace(url.split("/")[-1], str(uuid.uuid4()))).status_code in {404, 422}
