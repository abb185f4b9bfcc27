"""A crowd gets copies of one page: each with a ticket and a token of its own, and nobody who may not have it."""

import json
import re

import pytest
from django.test import Client

from amphi.audience.domain import ticket_key
from amphi.audience.models import Event
from amphi.pages.live import crowd_page
from amphi.system import tickets
from tests.audience.hall import hall, listener

pytestmark = pytest.mark.django_db
LIVE_DATA = re.compile(r'<script id="live-data" type="application/json">(.*?)</script>', re.DOTALL)


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch):
    monkeypatch.setattr(crowd_page, "_kept", {})
    monkeypatch.setattr(crowd_page, "_asked", {})


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(enable_questions=True, enable_chat=True, guests_may_write=True)


@pytest.fixture
def crowd(monkeypatch):
    """Everybody is a crowd, and no page grows old."""
    monkeypatch.setattr(crowd_page, "CROWD", -1)
    monkeypatch.setattr(crowd_page, "FRESH_S", 3600)


def page(event: Event, client: Client | None = None) -> str:
    return (client or Client()).get(f"/live/{event.slug}/").content.decode()


def facts(text: str) -> dict:
    return json.loads(LIVE_DATA.search(text)[1])


def viewer(text: str) -> str:
    ticket = facts(text)["events_url"].partition("ticket=")[2]
    return tickets.verify(ticket_key(), ticket, now=0).viewer


def without_own(text: str) -> str:
    """A page without what is one person's."""
    for own in {
        facts(text)["events_url"].partition("ticket=")[2],
        *re.findall(r'(?<=")[A-Za-z0-9]{64}(?=")', text),
    }:
        text = text.replace(own, "")
    return text


def test_copies_differ_in_ticket_and_tokens_alone(event, crowd):
    texts = [page(event) for _ in range(3)]
    assert len({viewer(text) for text in texts}) == 3
    assert len({facts(text)["csrf"] for text in texts}) == 3
    assert len({without_own(text) for text in texts}) == 1
    assert "csrfmiddlewaretoken" in texts[0]
    urls = facts(texts[1])
    ticket = urls["events_url"].partition("ticket=")[2]
    assert all(ticket in urls[name] for name in ("events_url", "reports_url", "reactions_url"))


def test_a_copy_is_as_a_page_that_is_made(event, crowd, monkeypatch):
    copied = [page(event), page(event)][1]
    monkeypatch.setattr(crowd_page, "CROWD", 1000)
    made = page(event)

    def timeless(text: str) -> str:
        return re.sub(r'"now": "[^"]*"', "", without_own(text))

    assert timeless(copied) == timeless(made)


def test_the_viewer_of_the_ticket_is_that_of_the_cookie(event, crowd):
    page(event)
    client = Client()
    assert viewer(page(event, client)) == f"a{client.cookies['amphi_viewer'].value}"


def test_the_token_of_a_copy_is_good(event, crowd):
    page(event)
    client = Client(enforce_csrf_checks=True)
    text = page(event, client)
    form = re.search(r'csrfmiddlewaretoken" value="(\w{64})"', text)[1]
    for token in (facts(text)["csrf"], form):
        answer = client.post(
            f"/live/{event.slug}/guest",
            {"name": "Zoé"},
            headers={"X-CSRFToken": token, "Accept": "application/json"},
        )
        assert answer.status_code == 201


def test_copies_cost_little(event, crowd, django_assert_max_num_queries):
    page(event)
    with django_assert_max_num_queries(2):
        page(event)


def test_each_language_has_its_copies(event, crowd):
    for _ in range(2):
        french, english = (Client(headers={"Accept-Language": language}) for language in ("fr", "en"))
        assert 'lang="fr"' in page(event, french)
        assert 'lang="en"' in page(event, english)


def test_who_may_not_have_the_page_gets_no_copy(event, crowd):
    page(event)
    Event.objects.filter(pk=event.pk).update(is_draft=True)
    assert Client().get(f"/live/{event.slug}/").status_code == 404
    Event.objects.filter(pk=event.pk).update(is_draft=False, is_restricted=True)
    assert Client().get(f"/live/{event.slug}/").status_code == 302
    Event.objects.filter(pk=event.pk).update(is_restricted=False, password="secret")
    assert Client().get(f"/live/{event.slug}/").status_code == 302


def test_who_is_known_gets_a_page_of_their_own(event, crowd):
    page(event)
    client = Client()
    client.force_login(listener("Ada").user)
    assert "Ada" in page(event, client)
    assert "Ada" not in page(event)


def test_a_copy_grows_old(event, crowd, monkeypatch):
    page(event)
    Event.objects.filter(pk=event.pk).update(title="Un autre titre")
    assert "Un autre titre" not in page(event)
    monkeypatch.setattr(crowd_page, "FRESH_S", 0)
    assert "Un autre titre" in page(event)


def test_a_few_are_no_crowd(event):
    for number in range(crowd_page.CROWD):
        Event.objects.filter(pk=event.pk).update(title=f"Titre {number}")
        assert f"Titre {number}" in page(event)
