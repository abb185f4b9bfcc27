"""The list and the page of meetings."""

import re
from dataclasses import asdict

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream, State
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar, put
from tests.meetings.pages import names, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_use")]


# --- the list


@pytest.mark.parametrize("rows", [1, 3])
def test_list_takes_as_many_queries_for_any_number(client, presenter, rows, django_assert_num_queries):
    for _ in range(rows):
        make_webinar(presenter, gateway=make_gateway(), additional_owners=[make_user()])
    with django_assert_num_queries(6):
        response = client.get("/meetings/")
    assert len(response.context["cards"]) == rows


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (0, "0 réunion à venir ou en cours"),
        (1, "1 réunion à venir ou en cours"),
        (3, "3 réunions à venir ou en cours"),
    ],
)
def test_list_counts(client, presenter, rows, words):
    for _ in range(rows):
        make_meeting(presenter)
    assert words in text_of(client.get("/meetings/"))


def test_list_filters(client, presenter):
    make_gateway()
    make_webinar(presenter, name="Webinaire de chimie")
    make_meeting(presenter, name="Point d’équipe", start_at=in_hours(2))
    past = make_meeting(presenter, name="Passée")
    Meeting.objects.filter(pk=past.pk).update(start_at=in_hours(-30))
    make_meeting(name="D’une autre personne")
    assert names(client.get("/meetings/")) == ["Webinaire de chimie", "Point d’équipe"]
    assert names(client.get("/meetings/?kind=webinars")) == ["Webinaire de chimie"]
    assert names(client.get("/meetings/?kind=meetings")) == ["Point d’équipe"]
    assert names(client.get("/meetings/?when=past")) == ["Passée"]
    assert names(client.get("/meetings/?q=CHIMIE")) == ["Webinaire de chimie"]
    assert names(client.get("/meetings/?kind=nonsense&when=never")) == [
        "Webinaire de chimie",
        "Point d’équipe",
    ]


def test_list_keeps_what_runs_late_among_the_active(client, presenter):
    livestream = make_webinar(presenter)
    Meeting.objects.filter(pk=livestream.meeting_id).update(start_at=in_hours(-3))
    put(livestream, State.LIVE)
    assert len(client.get("/meetings/").context["cards"]) == 1


def test_list_says_nothing_of_webinars_when_they_are_out_of_use(client, presenter, settings):
    make_webinar(presenter)
    settings.USE_MEETING_WEBINAR = False
    page = re.sub(r"<footer.*", "", client.get("/meetings/").content.decode(), flags=re.DOTALL)
    assert "ebinaire" not in page


def test_list_offers_webinars_to_those_who_may(client):
    client.force_login(make_user(affiliation="student"))
    assert "webinar=1" not in client.get("/meetings/").content.decode()


@pytest.mark.parametrize(
    ("state", "running", "offered"),
    [
        (State.IDLE, False, {"start", "delete"}),
        (State.STARTING, True, {"join", "stop", "end", "delete"}),
        (State.LIVE, True, {"join", "stop", "restart", "end", "delete"}),
        (State.RECOVERING, True, {"join", "stop", "end", "delete"}),
        (State.STOPPING, True, {"join", "end", "delete"}),
        (State.STOPPED, True, {"join", "restart", "end", "delete"}),
        (State.FAILED, True, {"join", "restart", "end", "delete"}),
        (State.STOPPED, False, {"start", "delete"}),
    ],
)
def test_only_what_can_be_done_is_offered(client, presenter, state, running, offered):
    livestream = make_webinar(presenter)
    put(livestream, state)
    started_at = timezone.now() if running else None
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=started_at, ended_at=None)
    offer = asdict(client.get("/meetings/").context["cards"][0]["offer"])
    assert {name for name, there in offer.items() if there} == offered | {"chat"}


# --- deleting


def test_delete_asks_first(client, presenter):
    livestream = make_webinar(presenter, name="Cours")
    url = reverse("meetings:delete", args=[livestream.meeting.slug])
    assert "Supprimer" in text_of(client.get(url))
    assert Meeting.objects.exists()
    response = client.post(url, follow=True)
    assert "suppression effectuée" in text_of(response)
    assert not Meeting.objects.exists()
    assert not Livestream.objects.exists()


def test_delete_of_a_running_webinar_ends_it_first(client, presenter):
    livestream = make_webinar(presenter)
    put(livestream, State.LIVE)
    url = reverse("meetings:delete", args=[livestream.meeting.slug])
    assert "se terminent pour tout le monde" in text_of(client.get(url))
    page = client.post(url, follow=True)
    assert "fin en cours, puis suppression" in text_of(page)
    assert names(page) == []
    offer = asdict(client.get(livestream.meeting.get_absolute_url()).context["offer"])
    assert not any(offer.values())
    livestream.refresh_from_db()
    assert (livestream.state, livestream.removal) == (State.STOPPING, "delete")


def test_delete_of_a_running_meeting_that_can_t_be_ended_is_refused(client, presenter):
    meeting = make_meeting(presenter)
    Meeting.objects.filter(pk=meeting.pk).update(started_at=timezone.now())
    page = client.post(reverse("meetings:delete", args=[meeting.slug]), follow=True)
    assert "impossible de la terminer" in text_of(page)
    assert Meeting.objects.exists()


# --- entering


def test_start_without_an_answer_from_the_server_says_so(client, presenter):
    meeting = make_meeting(presenter)
    response = client.post(reverse("meetings:start", args=[meeting.slug]), follow=True)
    assert "Le serveur de réunion n’a pas répondu" in text_of(response)
    assert Meeting.objects.get().started_at is None


def test_join_before_the_start_leads_to_the_page(client, presenter):
    meeting = make_meeting(presenter)
    response = client.get(reverse("meetings:join", args=[meeting.slug]))
    assert response["Location"] == meeting.get_absolute_url()


def test_join_of_a_running_meeting_leads_into_it(client, presenter):
    meeting = make_meeting(presenter)
    Meeting.objects.update(started_at=timezone.now())
    response = client.get(reverse("meetings:join", args=[meeting.slug]))
    assert response["Location"].startswith("http://127.0.0.1:9/bigbluebutton/api/join?")


def test_names_are_escaped(client, presenter):
    make_meeting(presenter, name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in client.get("/meetings/").content.decode()
