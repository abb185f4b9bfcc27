"""Meetings and webinars by the API: made, changed, listed."""

from urllib.parse import quote

import pytest

from amphi.accounts.models import AccessGroup
from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream, State
from tests.api.conftest import bearer, caller
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user("marie")


@pytest.fixture
def call(user):
    return caller(bearer(user))


def plan(hours: float = 3, **fields):
    return {"name": "Cours", "start_at": in_hours(hours).isoformat(), "duration_minutes": 60} | fields


def test_webinar_is_made_with_its_event_and_changed_field_by_field(call):
    make_gateway()
    colleague = make_user("pierre")
    AccessGroup.objects.create(code_name="l1", display_name="L1")
    given = plan(
        description="Sujet",
        additional_owners=["pierre"],
        is_restricted=True,
        access_groups=["l1"],
        enable_chat=False,
        lock_cam=True,
    )
    answer = call("post", "/webinars", given)
    assert answer.status_code == 201
    made = answer.json()
    live = Livestream.objects.get()
    assert made["event_url"].endswith(live.event.get_absolute_url())
    assert made["live"] | {"since": ""} == {
        "state": "idle",
        "since": "",
        "is_backstage": False,
        "went_live_at": None,
        "error": "",
        "gateway": str(live.gateway),
        "listeners": 0,
        "participants": None,
        "can": ["start"],
    }
    changed = call("patch", f"/webinars/{made['slug']}", {"name": "Cours 2", "enable_chat": True}).json()
    live = Livestream.objects.select_related("meeting", "event").get()
    assert (live.event.title, live.event.enable_chat, changed["name"]) == ("Cours 2", True, "Cours 2")
    assert list(live.meeting.additional_owners.all()) == [colleague]
    assert changed["access_groups"] == ["l1"]
    assert (changed["lock_cam"], changed["description"]) == (True, "Sujet")


def test_webinar_without_a_gateway_is_not_made_and_told_when_it_can_be(call):
    make_webinar(start_at=in_hours(3))
    refused = call("post", "/webinars", plan(3))
    assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")
    assert Meeting.objects.count() == 1
    assert call("post", "/webinars", plan(start_at=refused.json()["nearest"][0])).status_code == 201


def test_webinar_that_would_lose_its_gateway_stays_as_it_was(call, user):
    live = make_webinar(user, start_at=in_hours(30))
    make_webinar(gateway=live.gateway, start_at=in_hours(3))
    given = {"start_at": in_hours(3).isoformat(), "name": "Autre"}
    assert call("patch", f"/webinars/{live.meeting.slug}", given).status_code == 409
    assert Livestream.objects.filter(meeting__name=live.meeting.name, starts_at=live.starts_at).exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "x"}, "name"),
        ({"name": None}, "name"),
        ({"start_at": "2020-01-01T00:00:00Z"}, "start_at"),
        ({"start_at": "9999-12-31T23:59:59-23:59"}, "start_at"),
        ({"additional_owners": ["nobody"]}, "additional_owners"),
        ({"access_groups": ["none"]}, "access_groups"),
        ({"is_recorded": True}, "is_recorded"),
        ({"recurrence": "weekly"}, "recurrence_until"),
        (
            {"recurrence": "weekly", "recurrence_times": 3, "recurrence_until": "2099-01-01"},
            "recurrence_until",
        ),
        ({"recurrence": "daily", "recurrence_until": "2020-01-01"}, "recurrence_until"),
        ({"guest_policy": "MAYBE"}, "guest_policy"),
    ],
)
def test_value_that_is_not_valid_is_named_and_nothing_is_made(call, user, given, field):
    answer = call("post", "/meetings", plan(**given))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].split("/")[1] == field
    assert not Meeting.objects.exists()
    meeting = make_meeting(user)
    assert call("patch", f"/meetings/{meeting.slug}", given).status_code == 422


def test_meeting_repeats_and_stops_repeating(call):
    made = call("post", "/meetings", plan(recurrence="weekly", recurrence_times=3)).json()
    assert Meeting.objects.get().occurrences.count() == 3
    answer = call("patch", f"/meetings/{made['slug']}", {"recurrence": ""}).json()
    assert (answer["recurrence"], answer["recurrence_times"]) == ("", None)
    assert not Meeting.objects.get().occurrences.exists()


def test_kinds_have_addresses_of_their_own(call, user):
    live, plain = make_webinar(user), make_meeting(user)
    assert call("get", f"/meetings/{live.meeting.slug}").status_code == 404
    assert call("get", f"/webinars/{plain.slug}").status_code == 404
    assert [one["slug"] for one in call("get", "/meetings").json()["items"]] == [plain.slug]
    assert [one["slug"] for one in call("get", "/webinars").json()["items"]] == [live.meeting.slug]


def test_list_goes_on_after_the_last_row_whatever_comes_meanwhile(call, user):
    at = in_hours(2)
    made = [make_meeting(user, name=f"Cours {number}", start_at=at).slug for number in range(5)]
    first = call("get", "/meetings?limit=2").json()
    make_meeting(user, start_at=in_hours(9))
    second = call("get", f"/meetings?limit=2&cursor={first['next']}").json()
    third = call("get", f"/meetings?limit=2&cursor={second['next']}").json()
    assert [one["slug"] for part in (first, second, third) for one in part["items"]] == made[::-1]
    assert third["next"] is None
    found = call("get", "/meetings?q=cours 3").json()["items"]
    assert [one["slug"] for one in found] == [made[3]]
    later = call("get", f"/meetings?starts_after={in_hours(5).isoformat().replace('+', '%2B')}").json()[
        "items"
    ]
    assert len(later) == 1


def at(hours: float) -> str:
    return quote(in_hours(hours).isoformat())


def test_filters_choose(call, user):
    put(make_webinar(user, name="Physique", start_at=in_hours(2)), State.LIVE)
    make_webinar(user, name="Chimie", start_at=in_hours(30))
    all_of = {"Physique", "Chimie"}
    expected = {
        "/webinars?q=phys": {"Physique"},
        "/webinars?q=phys%20chim": set(),
        "/webinars?state=live": {"Physique"},
        "/webinars?state=idle": {"Chimie"},
        f"/webinars?starts_after={at(3)}": {"Chimie"},
        f"/webinars?starts_before={at(3)}": {"Physique"},
        f"/webinars?starts_after={at(1)}&starts_before={at(40)}": all_of,
        "/events?when=on_air": {"Physique"},
        "/events?when=coming": {"Chimie"},
        "/events?when=past": set(),
        "/events?q=chimie": {"Chimie"},
        f"/events?starts_after={at(3)}": {"Chimie"},
        f"/events?starts_before={at(3)}": {"Physique"},
    }

    def found(path: str) -> set[str]:
        return {one.get("name") or one["title"] for one in call("get", path).json()["items"]}

    assert {path: found(path) for path in expected} == expected


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=W10",
        "cursor=WyJhIiwiYiJd",
        "starts_after=1",
        "starts_after=2026-05-25T18:32:00%2B22:51",
    ],
)
def test_list_asked_wrongly_is_refused(call, query):
    assert call("get", f"/meetings?{query}").status_code == 422


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_whatever_is_on_it(call, user, rows, django_assert_num_queries):
    for _ in range(rows):
        make_meeting(user, additional_owners=[make_user()])
    with django_assert_num_queries(6):
        call("get", "/meetings")


def test_staff_only_and_webinars_for_some_hold_here_too(call, user, settings):
    settings.RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY = True
    settings.AFFILIATION_STAFF = ("faculty",)
    assert call("post", "/meetings", plan()).status_code == 403
    meeting = make_meeting(user)
    assert call("patch", f"/meetings/{meeting.slug}", {"name": "Autre"}).status_code == 403
    settings.RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY = False
    settings.MEETING_WEBINAR_AFFILIATION = ()
    assert call("post", "/webinars", plan()).status_code == 403


def test_gateways_and_health_for_administrators():
    live = make_webinar()
    call = caller(bearer(make_user(is_superuser=True)))
    (gateway,) = call("get", "/gateways").json()["items"]
    assert (gateway["name"], gateway["is_busy"], gateway["webinar"]) == (str(live.gateway), False, None)
    Livestream.objects.update(state="live")
    (gateway,) = call("get", "/gateways").json()["items"]
    assert (gateway["is_busy"], gateway["webinar"]) == (True, live.meeting.slug)
    health = call("get", "/health").json()
    assert (health["lives"]["live"], health["gateways"], health["gateways_busy"]) == (1, 1, 1)
