"""The live page before the start: who speaks, the poster, and who may see it."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from amphi.audience import posters, registration
from amphi.audience.models import Event, Poster
from amphi.webinars.models import State
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
FRENCH = {"headers": {"Accept-Language": "fr"}}


def upload(color: str = "red", name: str = "affiche.png") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), color).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), "image/png")


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


@pytest.fixture
def event() -> Event:
    return make_webinar(make_user("marie", first_name="Marie"), gateway=make_gateway()).event


def save(event: Event, **given: object):
    client = Client()
    client.force_login(event.owner)
    url = reverse("webinars:change_options", args=[event.livestream.meeting.slug, "invitation"])
    answer = client.post(url, {"speakers": "", **given}, **FRENCH)
    event.refresh_from_db()
    return answer


def test_poster_is_shown_on_the_page_and_in_the_list(event, client):
    assert save(event, poster=upload()).status_code == 302
    page = client.get(event.get_absolute_url()).content.decode()
    assert event.poster_url in page
    for url in (event.poster_url, event.thumbnail_url):
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.content.startswith(b"\xff\xd8")


def test_another_poster_has_another_address(event, client):
    save(event, poster=upload())
    first = event.poster_url
    save(event, poster=upload("blue"))
    assert event.poster_url != first
    assert client.get(first).status_code == 404
    save(event, speakers="Marie Curie")
    assert event.poster_mark  # who changes something else keeps it
    save(event, no_poster="on")
    assert (event.poster_mark, Poster.objects.count()) == ("", 0)


def test_what_is_no_picture_is_refused_at_its_field(event):
    answer = save(event, speakers="Marie Curie", poster=SimpleUploadedFile("a.png", b"<svg/>", "image/png"))
    assert answer.status_code == 422
    assert "JPEG" in answer.content.decode()
    assert 'value="Marie Curie"' in answer.content.decode()
    assert not Poster.objects.exists()


@pytest.mark.parametrize(
    ("fields", "anonymous"),
    [({}, 200), ({"is_restricted": True}, 200), ({"password": "sésame"}, 200), ({"is_draft": True}, 404)],
)
def test_poster_is_for_those_who_find_the_event_in_the_list(event, client, fields, anonymous):
    posters.keep(event, posters.draw(upload()))
    Event.objects.filter(pk=event.pk).update(**fields)
    assert client.get(event.poster_url).status_code == anonymous
    client.force_login(event.owner)
    assert client.get(event.poster_url).status_code == 200


def test_poster_goes_with_its_event(event):
    posters.keep(event, posters.draw(upload()))
    event.livestream.delete()
    event.delete()
    assert not Poster.objects.exists()


def test_page_names_who_speaks(event, client):
    event.additional_owners.add(make_user("pierre", first_name="Pierre"))
    page = client.get(event.get_absolute_url()).content.decode()
    assert "Marie" in page
    assert "Pierre" in page
    save(event, speakers="Irène Joliot-Curie, Institut du radium")
    page = client.get(event.get_absolute_url()).content.decode()
    assert "Irène Joliot-Curie, Institut du radium" in page
    assert "Pierre" not in page


@pytest.mark.parametrize(("state", "has_test"), [(State.IDLE, True), (State.LIVE, False)])
def test_test_of_sound_and_picture_is_sent_before_the_start_only(event, client, state, has_test):
    put(event.livestream, state)
    assert ("live/check.js" in client.get(event.get_absolute_url()).content.decode()) is has_test


def test_page_of_registration_is_an_invitation_too(event, client):
    posters.keep(event, posters.draw(upload()))
    Event.objects.filter(pk=event.pk).update(description="Avec des expériences.", speakers="Marie Curie")
    registration.set_rules(event, is_required=True, is_open=True)
    page = client.get(event.get_absolute_url(), follow=True).content.decode()
    assert all(
        part in page for part in (event.poster_url, "Avec des expériences.", "Marie Curie", event.title)
    )
