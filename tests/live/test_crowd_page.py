"""A crowd gets copies of one page: each with a ticket and a token of its own, and nobody who may not have it."""

import json
import re
from io import BytesIO

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client

from amphi.audience.domain import ticket_key
from amphi.audience.models import Event
from amphi.pages.live import crowd_page
from amphi.pages.places import SMALLEST, Lane, Pages, Places, Request
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


class Server:
    """The web server's own way to a page, with its cookies as a browser keeps them."""

    def __init__(self) -> None:
        self.pages = Pages(Places(SMALLEST))

    def ask(self, path: str, **cookies: str) -> HttpResponse:
        return async_to_sync(self.pages.answer_to)(asked(path, cookies))


def asked(path: str, cookies: dict[str, str], method: str = "GET", **headers: str) -> Request:
    factory = AsyncRequestFactory()
    factory.cookies.load(cookies)
    return Request(factory.generic(method, path, headers=headers).scope, BytesIO())


@pytest.fixture
def server(crowd, monkeypatch):
    """A server whose views run in this thread, where the test's rows are."""
    found = Server()

    async def in_this_thread(_lane, call):
        return await sync_to_async(call)()

    monkeypatch.setattr(Lane, "run", in_this_thread)
    # As Django's own test client does: the test's connection stays open.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield found
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_the_server_sends_copies_without_a_question(event, server, django_assert_num_queries):
    path = f"/live/{event.slug}/"
    made = server.ask(path)
    with django_assert_num_queries(0):
        copied = server.ask(path)
    own = {"X-Request-ID", "Set-Cookie"}
    assert {k: v for k, v in copied.items() if k not in own} == {
        k: v for k, v in made.items() if k not in own
    }
    assert copied["X-Request-ID"] != made["X-Request-ID"]
    assert int(copied["Content-Length"]) == len(copied.content)
    assert without_own(copied.content.decode()) == without_own(made.content.decode())
    assert viewer(copied.content.decode()) == f"a{copied.cookies['amphi_viewer'].value}"
    assert {name: dict(cookie) for name, cookie in copied.cookies.items()} == {
        name: dict(cookie) | {"expires": copied.cookies[name]["expires"]}
        for name, cookie in made.cookies.items()
    }


def test_the_token_of_a_servers_copy_is_good(event, server):
    path = f"/live/{event.slug}/"
    server.ask(path)
    copied = server.ask(path)
    client = Client(enforce_csrf_checks=True)
    for name, cookie in copied.cookies.items():
        client.cookies[name] = cookie.value
    again = server.ask(path, amphi_csrf=copied.cookies["amphi_csrf"].value)
    for page_ in (copied, again):
        answer = client.post(
            f"/live/{event.slug}/guest",
            {"name": "Zoé"},
            headers={"X-CSRFToken": facts(page_.content.decode())["csrf"], "Accept": "application/json"},
        )
        assert answer.status_code == 201


@pytest.mark.parametrize(
    ("path", "cookies", "others"),
    [
        ("", {}, {"method": "HEAD"}),
        ("?source=mail", {}, {}),
        ("", {"amphi_viewer": "abcdefghijklmnop"}, {}),
        ("", {"amphi_session": "abc"}, {}),
        ("", {}, {"Accept-Language": "en"}),
        ("", {}, {"host": "localhost:8080"}),
        ("", {}, {"host": "elsewhere.test"}),
    ],
)
def test_whoever_is_not_quite_as_the_others_gets_no_copy_of_the_server(event, server, path, cookies, others):
    page = f"/live/{event.slug}/"
    server.ask(page)
    assert crowd_page.copy_for(asked(page, {})) is not None
    assert crowd_page.copy_for(asked(page + path, cookies, **others)) is None


def test_a_servers_copy_is_a_second_old_at_most(event, server, monkeypatch):
    path = f"/live/{event.slug}/"
    server.ask(path)
    Event.objects.filter(pk=event.pk).update(is_restricted=True)
    assert server.ask(path).status_code == 200
    monkeypatch.setattr(crowd_page, "FRESH_S", 0)
    assert server.ask(path).status_code == 302
