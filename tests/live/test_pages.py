"""The audience's pages, as Django answers them."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from amphi.accounts.models import AccessGroup
from amphi.audience import listing
from amphi.audience.domain import ticket_key
from amphi.audience.models import Event, Message
from amphi.system.tickets import verify
from amphi.webinars.models import State
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


def webinar(state: State = State.IDLE, **fields) -> Event:
    livestream = make_webinar(gateway=make_gateway(), **fields)
    put(livestream, state)
    return Event.objects.get(pk=livestream.event_id)


def listed(client, query: str = "") -> dict[str, list[str]]:
    """The titles on the page of live events, by section; whether what comes is today depends on the hour."""
    sections = client.get(f"/{query}").context["sections"]
    found: dict[str, list[str]] = {}
    for section in sections:
        titles = [card["event"].title for card in section["cards"]]
        found.setdefault("coming" if section["key"] == "today" else section["key"], []).extend(titles)
    return found


# --- the list


def test_list_follows_the_live_and_not_the_clock(client):
    webinar(State.LIVE, name="overruns", start_at=in_hours(-5))
    webinar(State.STARTING, name="early", start_at=in_hours(5))
    webinar(name="late", start_at=in_hours(-0.5))
    webinar(name="tomorrow", start_at=in_hours(24))
    webinar(State.STOPPED, name="stopped early", start_at=in_hours(-0.5))
    webinar(name="never was", start_at=in_hours(-30))
    assert listed(client) == {
        "now": ["overruns", "early"],
        "coming": ["late", "tomorrow"],
        "past": ["stopped early", "never was"],
    }


def test_list_shows_no_draft_and_marks_what_is_restricted(client):
    draft = webinar(name="secret")
    Event.objects.filter(pk=draft.pk).update(is_draft=True)
    webinar(name="members", is_restricted=True)
    page = client.get("/").content.decode()
    assert "secret" not in page
    assert "bi-lock-fill" in page


def test_list_is_searched_and_filtered(client):
    webinar(State.LIVE, name="Chimie organique")
    webinar(name="Chimie minérale")
    webinar(name="Histoire")
    assert listed(client, "?q=chimie") == {"now": ["Chimie organique"], "coming": ["Chimie minérale"]}
    assert listed(client, "?when=coming&q=chimie") == {"coming": ["Chimie minérale"]}
    assert listed(client, "?when=past") == {"past": []}
    assert listed(client, "?when=nonsense&q=histoire") == {"coming": ["Histoire"]}


@pytest.mark.parametrize(
    ("hours", "section"),
    [(-1, "today"), (0.5, "today"), (1.4, "today"), (1.6, "later"), (12, "later"), (30, "later")],
)
def test_today_ends_at_midnight_here(hours, section):
    now = datetime(2027, 3, 27, 21, 30, tzinfo=UTC)  # half past ten in Paris, before the clocks leap
    event = webinar(name="one")
    start = now + timedelta(hours=hours)
    Event.objects.filter(pk=event.pk).update(start_at=start, end_at=start + timedelta(hours=2))
    events = listing.listed()
    found = {"today": listing.today(events, now), "later": listing.later(events, now)}
    assert {name for name, rows in found.items() if rows} == {section}


@pytest.mark.parametrize(
    "words", ["curie", "marie CURIE", "pierre", "radium", "joliot chimie", "institut-du-radium"]
)
def test_list_is_searched_by_presenters(client, words):
    marie = make_user("mcurie", first_name="Marie", last_name="Curie")
    event = webinar(name="Chimie")
    event.owner = marie
    event.speakers = "Irène Joliot (institut-du-radium)"
    event.save()
    event.additional_owners.set([make_user("pcurie", first_name="Pierre", last_name="Curie"), make_user()])
    webinar(name="Histoire")
    assert listed(client, f"?q={words}") == {"coming": ["Chimie"]}


def test_card_shows_the_poster_or_a_cover(client):
    with_poster, without = webinar(name="a"), webinar(name="b")
    Event.objects.filter(pk=with_poster.pk).update(poster_mark="0123456789abcdef")
    page = client.get("/").content.decode()
    with_poster.refresh_from_db()
    assert with_poster.thumbnail_url in page
    assert f"event-cover-{without.pk % 6}" in page
    assert page.count("<img") == 1


def test_empty_list_says_so(client):
    assert (
        "Aucun direct pour le moment" in client.get("/", headers={"Accept-Language": "fr"}).content.decode()
    )
    assert (
        "No live event at the moment" in client.get("/", headers={"Accept-Language": "en"}).content.decode()
    )
    assert "&lt;b&gt;" in client.get("/?q=<b>").content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_for_any_number_of_events(client, django_assert_num_queries, rows):
    for _ in range(rows):
        webinar(State.LIVE)
        webinar(start_at=in_hours(30))
        webinar(State.STOPPED)
    with django_assert_num_queries(4):
        client.get("/")


# --- the live page


def live_data(client, event: Event) -> dict:
    page = client.get(event.get_absolute_url()).content.decode()
    return json.loads(re.search(r'<script id="live-data" type="application/json">(.*?)</script>', page)[1])


def test_page_says_where_the_live_is(client):
    event = webinar(State.RECOVERING)
    facts = live_data(client, event)
    assert (facts["state"], facts["seq"], facts["chat"]["enabled"]) == ("recovering", 0, True)
    assert facts["hls_url"] == event.broadcaster.hls_url
    assert facts["state_url"] == f"/live/{event.slug}/state"


def test_ticket_of_the_page_opens_the_stream_of_its_event(client):
    event, user = webinar(), make_user()
    client.force_login(user)
    facts = live_data(client, event)
    path, ticket = facts["events_url"].split("?ticket=")
    found = verify(ticket_key(), ticket, now=0)
    assert path == f"/live/{event.pk}/events"
    assert (found.event_id, found.viewer) == (event.pk, f"u{user.pk}")


def test_page_and_state_are_never_cached(client):
    event = webinar()
    for url in (event.get_absolute_url(), reverse("live:state", args=[event.slug])):
        assert "no-store" in client.get(url)["Cache-Control"]


def test_state_brings_what_a_page_missed(client):
    event, user = webinar(State.LIVE), make_user(first_name="Hugo", last_name="Bernard")
    client.force_login(user)
    client.post(reverse("live:message", args=[event.slug]), {"text": "Bonjour"})
    facts = client.get(reverse("live:state", args=[event.slug])).json()
    assert (facts["state"], facts["seq"]) == ("live", 1)
    assert [(one["author"], one["text"]) for one in facts["messages"]] == [("Hugo Bernard", "Bonjour")]


def test_restricted_page_asks_for_login_then_for_the_group(client):
    group = AccessGroup.objects.create(code_name="l1", display_name="L1")
    event = webinar(State.LIVE, is_restricted=True, access_groups=[group])
    urls = [event.get_absolute_url(), reverse("live:state", args=[event.slug])]
    for url in urls:
        assert client.get(url).status_code == 302
        assert client.get(url, **JSON).status_code == 401
    member, stranger = make_user(), make_user()
    member.access_groups.add(group)
    for user, status in ((stranger, 403), (member, 200)):
        client.force_login(user)
        assert [client.get(url).status_code for url in urls] == [status, status]


def test_draft_is_not_found_but_by_its_owner(client):
    event = webinar()
    Event.objects.filter(pk=event.pk).update(is_draft=True)
    assert client.get(event.get_absolute_url()).status_code == 404
    client.force_login(event.owner)
    assert client.get(event.get_absolute_url()).status_code == 200


def test_what_people_wrote_is_never_markup(client):
    event = webinar(State.LIVE, name="<b>Title</b>", description="<script>alert(1)</script>")
    user = make_user(first_name="<i>Hugo</i>")
    client.force_login(user)
    client.post(reverse("live:message", args=[event.slug]), {"text": "</script><img src=x onerror=alert(1)>"})
    page = client.get(event.get_absolute_url()).content.decode()
    for wrong in ("<b>Title", "<script>alert", "<img src=x", "<i>Hugo"):
        assert wrong not in page


# --- messages


def post(client, event: Event, text: str = "Bonjour", **fields):
    return client.post(reverse("live:message", args=[event.slug]), {"text": text, **fields}, **JSON)


def test_message_is_answered_to_the_script(client):
    event, message_id = webinar(State.LIVE), uuid.uuid4()
    client.force_login(make_user(first_name="Inès", last_name="Lefèvre"))
    answers = [post(client, event, id=str(message_id)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"] == str(message_id)
    assert Message.objects.get().author_name == "Inès Lefèvre"


def test_message_of_the_plain_form_comes_back_to_the_page(client):
    event = webinar(State.LIVE)
    client.force_login(make_user())
    answer = client.post(
        reverse("live:message", args=[event.slug]),
        {"text": "Bonjour"},
        headers={"Accept-Language": "fr"},
        follow=True,
    )
    assert answer.redirect_chain == [(event.get_absolute_url(), 302)]
    assert "Message envoyé" in answer.content.decode()


def test_message_when_nothing_runs_says_so(client):
    event = webinar()
    client.force_login(make_user())
    answer = client.post(
        reverse("live:message", args=[event.slug]),
        {"text": "Bonjour"},
        headers={"Accept": "application/json", "Accept-Language": "fr"},
    )
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "nothing_runs",
        "detail": "Le message n’a pas été envoyé\u00a0: le webinaire n’est pas en cours.",
    }


def test_message_needs_a_login_a_right_and_an_open_chat(client):
    event = webinar(State.LIVE)
    assert post(client, event).status_code == 401
    assert client.get(reverse("live:message", args=[event.slug])).status_code == 405
    client.force_login(make_user())
    Event.objects.filter(pk=event.pk).update(enable_chat=False)
    refused = post(client, event)
    assert (refused.status_code, refused.json()["error"]) == (422, "chat_closed")
    Event.objects.filter(pk=event.pk).update(enable_chat=True, is_restricted=True)
    event.access_groups.add(AccessGroup.objects.create(code_name="l1", display_name="L1"))
    assert post(client, event).status_code == 403
    assert not Message.objects.exists()
