"""The form of a meeting, and what it says when no gateway is free."""

import re
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import AccessGroup
from amphi.meetings.models import Meeting
from amphi.pages.meetings.people_field import PeopleField
from amphi.webinars.models import Livestream, State
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar, put
from tests.meetings.pages import form_data, local, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_use")]


def test_add_meeting(client, presenter):
    colleague = make_user("pierre")
    response = client.post("/meetings/add/", form_data(additional_owners="pierre"))
    meeting = Meeting.objects.get()
    assert response["Location"] == meeting.get_absolute_url()
    assert (meeting.owner, meeting.duration, meeting.is_webinar) == (presenter, timedelta(minutes=90), False)
    assert list(meeting.additional_owners.all()) == [colleague]


def test_add_webinar(client, presenter):
    make_gateway()
    client.post("/meetings/add/", form_data(is_webinar="on"))
    livestream = Livestream.objects.select_related("meeting").get()
    assert (livestream.meeting.is_webinar, livestream.meeting.enable_chat) == (True, False)


def test_forged_webinar_is_ignored(client):
    make_gateway()
    client.force_login(make_user(affiliation="student"))
    page = client.get("/meetings/add/").content.decode()
    assert 'name="is_webinar"' not in page
    assert 'name="enable_chat"' not in page
    client.post("/meetings/add/", form_data(is_webinar="on", enable_chat="on"))
    assert not Meeting.objects.get().is_webinar
    assert not Livestream.objects.exists()


def test_fields_of_webinars_follow_the_setting(client, presenter, settings):
    settings.MEETING_WEBINAR_FIELDS = ("is_webinar",)
    page = client.get("/meetings/add/").content.decode()
    assert 'name="is_webinar"' in page
    assert 'name="enable_chat"' not in page


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"start_at": "tomorrow"}, "start_at"),
        ({"start_at": local(datetime(2020, 1, 1, tzinfo=timezone.get_default_timezone()))}, "start_at"),
        ({"duration": "-5"}, "duration"),
        ({"additional_owners": "pierre, nobody"}, "additional_owners"),
        ({"name": "x" * 251}, "name"),
        ({"name": "m"}, "name"),
        ({"name": "🎓" * 129}, "name"),
        ({"name": "\u3164\u200b"}, "name"),
        ({"additional_owners": " ".join(f"nobody{n}" for n in range(101))}, "additional_owners"),
    ],
)
def test_form_says_what_is_wrong(client, presenter, fields, field):
    make_user("pierre")
    response = client.post("/meetings/add/", form_data(**fields))
    page = response.content.decode()
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert "data-error-summary" in page
    assert f'href="#id_{field}"' in page
    assert 'aria-invalid="true"' in page
    assert not Meeting.objects.exists()


@pytest.mark.parametrize("name", ["TD", "🎓", "🎓" * 125, "x" * 250, "علی\u200cرضا"])
def test_names_that_meeting_servers_take(client, presenter, name):
    assert client.post("/meetings/add/", form_data(name=name)).status_code == 302
    assert Meeting.objects.get().name == name


def test_people_are_found_in_one_query(django_assert_num_queries):
    people = [make_user(f"user-{n}") for n in range(50)]
    field = PeopleField()
    with django_assert_num_queries(1):
        assert field.clean(" ".join(f"user-{n}@EXAMPLE.org" for n in range(50))) == people


def test_people_are_pasted_with_their_names():
    pierre, marie = make_user("pierre"), make_user("marie")
    assert PeopleField().clean('"Curie, Pierre" <Pierre@example.org>; Curie, Marie <marie@example.org>') == [
        pierre,
        marie,
    ]


def test_two_with_one_address_are_nobody():
    make_user("one", email="same@example.org"), make_user("two", email="SAME@example.org")
    with pytest.raises(ValidationError):
        PeopleField().clean("same@example.org")


def test_people_are_found_by_mail_too(client, presenter):
    pierre = make_user("pierre")
    client.post("/meetings/add/", form_data(additional_owners="PIERRE@example.org; pierre"))
    assert list(Meeting.objects.get().additional_owners.all()) == [pierre]


def test_edit_keeps_what_it_does_not_show(client):
    group = AccessGroup.objects.create(code_name="l1", display_name="L1")
    owner, student = make_user(), make_user("student", affiliation="student")
    livestream = make_webinar(
        owner, additional_owners=[student], is_restricted=True, access_groups=[group], enable_chat=False
    )
    client.force_login(student)
    url = reverse("meetings:edit", args=[livestream.meeting.slug])
    form = client.get(url).context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None} | {
        "name": "Nouveau nom"
    }
    data["start_at"], data["access_groups"] = local(livestream.meeting.start_at), [group.pk]
    assert client.post(url, data).status_code == 302
    meeting = Meeting.objects.get()
    assert (meeting.name, meeting.is_webinar, meeting.enable_chat) == ("Nouveau nom", True, False)
    assert (meeting.owner, list(meeting.access_groups.all())) == (owner, [group])


@pytest.fixture
def running(presenter) -> Livestream:
    livestream = make_webinar(presenter)
    put(livestream, State.LIVE)
    return livestream


def test_unticking_a_running_webinar_needs_a_second_tick(client, running):
    url = reverse("meetings:edit", args=[running.meeting.slug])
    page = client.post(url, form_data())
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["stops_live"]
    running.refresh_from_db()
    assert running.state == State.LIVE
    page = client.post(url, form_data(stops_live="on"), follow=True)
    assert "Le direct s’arrête" in text_of(page)
    running.refresh_from_db()
    assert (running.state, running.removal) == (State.STOPPING, "uncheck")


def test_second_tick_alone_stops_nothing(client, running):
    url = reverse("meetings:edit", args=[running.meeting.slug])
    assert client.post(url, form_data(is_webinar="on", stops_live="on")).status_code == 302
    running.refresh_from_db()
    assert running.state == State.LIVE


def test_edit_of_a_running_webinar_keeps_its_live(client, running):
    url = reverse("meetings:edit", args=[running.meeting.slug])
    data = form_data(name="Plus long", duration="180", start_at=local(in_hours(0)), is_webinar="on")
    response = client.post(url, data)
    assert response.status_code == 302
    livestream = Livestream.objects.select_related("meeting").get()
    assert (livestream.state, livestream.meeting.duration) == (State.LIVE, timedelta(hours=3))


def test_hours_that_a_running_webinar_can_not_have_are_told_in_the_form(client, running):
    """The gateway is booked afterwards and no other is there: the form keeps what was typed, and nothing changes."""
    meeting = running.meeting
    make_webinar(start_at=meeting.end_at, duration=timedelta(hours=1))
    typed = form_data(start_at=local(meeting.start_at), duration="240", is_webinar="on", stops_live="")
    page = client.post(reverse("meetings:edit", args=[meeting.slug]), typed)
    assert page.status_code == 422
    assert "Ces horaires ne sont pas disponibles" in text_of(page)
    assert page.context["form"]["duration"].value() == "240"
    running.refresh_from_db()
    assert running.ends_at == Meeting.objects.get(pk=meeting.pk).end_at == meeting.end_at


# --- no gateway is free


def test_conflict_offers_other_times_and_one_press_moves(client, presenter):
    make_gateway()
    start = in_hours(24).replace(second=0, microsecond=0)
    make_webinar(start_at=start, duration=timedelta(hours=2))
    page = client.post("/meetings/add/", form_data(is_webinar="on", start_at=local(start)), follow=True)
    assert "Trop de webinaires" in text_of(page)
    meeting = Meeting.objects.get(owner=presenter)
    assert not meeting.is_webinar
    starts = re.findall(r'name="start_at" value="([^"]+)"', page.content.decode())
    assert len(starts) == 2
    page = client.post(
        reverse("meetings:move", args=[meeting.slug]),
        {"start_at": starts[1].replace("&#x2B;", "+")},
        follow=True,
    )
    meeting.refresh_from_db()
    assert (meeting.is_webinar, meeting.start_at) == (True, start + timedelta(hours=2))
    assert "Trop de webinaires" not in text_of(page)


@pytest.mark.parametrize("start_at", ["never", "2030-01-01T10:00:00+0000"])
def test_move_to_what_was_not_offered_changes_nothing(client, presenter, start_at):
    make_gateway()
    meeting = make_meeting(presenter)
    page = client.post(reverse("meetings:move", args=[meeting.slug]), {"start_at": start_at}, follow=True)
    stored = Meeting.objects.get()
    assert (stored.start_at, stored.is_webinar) == (meeting.start_at, False)
    assert "Choisissez-en un autre" in text_of(page)
