"""Attendance of a live: who is noted, once a minute each; what is told of it; what is forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from amphi.audience import airings, attendance, attendance_report
from amphi.audience.attendance import forget, note, pseudonyms, was_there
from amphi.audience.attendance_report import Point, figures, named, people
from amphi.audience.models import Airing, AiringMinute, Event, EventState, Presence, Registration
from amphi.webinars.models import State
from tests.audience.hall import hall
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db
NOW = int(datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp() // 60)
"""A minute."""


@pytest.fixture
def airing(settings) -> Airing:
    settings.USE_MEETING_WEBINAR = True
    return Airing.objects.create(event=hall(State.LIVE), began_at=timezone.now())


def rows(airing: Airing) -> dict[str, tuple[int, int, int]]:
    found = airing.presences.order_by("viewer")
    return {row.viewer: (row.minutes, row.first_minute - NOW, row.last_minute - NOW) for row in found}


def curve(airing: Airing) -> list[tuple[int, int]]:
    return [(row.minute - NOW, row.listeners) for row in airing.minutes.all()]


# --- noting


def test_each_minute_counts_once_whoever_notes_it(airing):
    event_id = airing.event_id
    note({event_id: {"u1", "r2", "abc"}}, NOW)
    # Another process in the same minute: one of them has a second tab there.
    note({event_id: {"u1", "u3"}}, NOW)
    note({event_id: {"u1", "abc"}}, NOW + 1)
    note({event_id: {"u1"}}, NOW + 5)
    assert rows(airing) == {"abc": (2, 0, 1), "r2": (1, 0, 0), "u1": (3, 0, 5), "u3": (1, 0, 0)}
    assert curve(airing) == [(0, 4), (1, 2), (5, 1)]


def test_nobody_is_noted_while_no_picture_is_shown(airing):
    Airing.objects.update(ended_at=timezone.now())
    note({airing.event_id: {"u1"}, 0: {"u1"}}, NOW)
    assert not Presence.objects.exists()


def test_the_platform_itself_is_nobody(airing):
    note({airing.event_id: {"s", "u1"}}, NOW)
    assert list(rows(airing)) == ["u1"]


@pytest.mark.parametrize("most", [3, 10_000])
def test_number_of_statements_does_not_grow_with_the_crowd(airing, django_assert_num_queries, most):
    crowd = {f"u{number}" for number in range(most)}
    for minute in (NOW, NOW + 1):
        # Two for the airings that go on, four to note within a savepoint, one to look for those who registered.
        with django_assert_num_queries(8):
            note({airing.event_id: crowd}, minute)
    assert Presence.objects.count() == most
    assert curve(airing) == [(0, most), (1, most)]


def test_rows_of_an_airing_have_a_bound(airing, monkeypatch):
    monkeypatch.setattr(attendance, "MOST_VIEWERS", 3)
    note({airing.event_id: {"u1", "u2"}}, NOW)
    note({airing.event_id: {"u1", "u3", "u4"}}, NOW + 1)
    assert rows(airing) == {"u1": (2, 0, 1), "u2": (1, 0, 0)}


def test_who_registered_and_came_is_noted(airing):
    user = make_user()
    came, missed = (
        Registration.objects.create(
            event=airing.event,
            address=f"{name}@univ.fr",
            name=name,
            language="fr",
            told_start_at=timezone.now(),
        )
        for name in ("came", "missed")
    )
    with_account = Registration.objects.create(
        event=airing.event,
        address="u@univ.fr",
        name="u",
        language="fr",
        told_start_at=timezone.now(),
        user=user,
    )
    note({airing.event_id: {came.viewer, f"u{user.pk}"}}, NOW)
    assert set(Registration.objects.exclude(came_at=None)) == {came, with_account}
    assert was_there(airing.event, came.viewer)
    assert not was_there(airing.event, missed.viewer)


# --- airings


def at(minutes: float) -> datetime:
    return datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(EventState.STARTING, 0), (EventState.WAITING, 5)], []),
        ([(EventState.STARTING, 0), (EventState.LIVE, 1)], [(1, None)]),
        (
            [(EventState.LIVE, 0), (EventState.RECOVERING, 5), (EventState.LIVE, 6), (EventState.OVER, 60)],
            [(0, 60)],
        ),
        ([(EventState.LIVE, 0), (EventState.OVER, 60), (EventState.STARTING, 70)], [(0, 60)]),
        ([(EventState.LIVE, 0), (EventState.OVER, 60), (EventState.LIVE, 70)], [(0, None)]),
        (
            [(EventState.LIVE, 0), (EventState.OVER, 60), (EventState.LIVE, 80), (EventState.OVER, 90)],
            [(0, 60), (80, 90)],
        ),
    ],
)
def test_airing_lasts_from_the_first_picture_to_the_end(settings, states, expected):
    settings.USE_MEETING_WEBINAR = True
    event = hall(State.IDLE)
    for state, minute in states:
        airings.follow(event.pk, state, at(minute))
    found = [(one.began_at, one.ended_at) for one in Airing.objects.order_by("began_at")]
    assert found == [(at(begin), None if end is None else at(end)) for begin, end in expected]


def test_event_of_others_is_on_the_air_in_its_hours():
    broadcaster = make_gateway().broadcaster
    now = timezone.now()
    running, coming = (
        Event.objects.create(
            title=name,
            slug=name,
            owner=make_user(),
            broadcaster=broadcaster,
            start_at=now + timedelta(hours=first),
            end_at=now + timedelta(hours=first + 2),
        )
        for name, first in (("running", -1), ("coming", 1))
    )
    for _ in range(2):
        (found,) = airings.on_the_air([running.pk, coming.pk], now)
    assert (found.event, found.began_at) == (running, running.start_at)


def test_live_that_nobody_ended_is_noted_for_a_day(airing):
    Airing.objects.update(began_at=timezone.now() - timedelta(hours=25))
    note({airing.event_id: {"u1"}}, NOW)
    assert not Presence.objects.exists()


# --- pseudonyms


def test_pseudonym_is_one_person_in_one_event(airing):
    one, again = pseudonyms(airing.event, ["u1"]), pseudonyms(airing.event, ["u1"])
    other_event = make_webinar(gateway=make_gateway()).event
    assert one == again
    assert pseudonyms(airing.event, ["u2"]) != one != pseudonyms(other_event, ["u1"])
    assert pseudonyms(airing.event, ["abc"]) == {"abc"}


def test_webinar_of_pseudonyms_keeps_no_key_of_a_person(airing):
    Event.objects.update(attendance_pseudonyms=True)
    user = make_user(first_name="Hugo")
    note({airing.event_id: {f"u{user.pk}", "r5", "abc"}}, NOW)
    assert {viewer[0] for viewer in rows(airing)} == {"a", "p"}
    found = named(list(people(airing)))
    assert all(one.name.startswith("Auditeur ") and not one.account + one.address for one in found)
    event = Event.objects.get(pk=airing.event_id)
    assert was_there(event, "r5")
    assert not was_there(event, "r6")


# --- what is told


def test_figures(airing):
    note({airing.event_id: {"u1", "abc"}}, NOW)
    note({airing.event_id: {"u1", "abc", "abd"}}, NOW + 1)
    note({airing.event_id: {"u1"}}, NOW + 3)
    Airing.objects.update(forgotten=4)
    airing.refresh_from_db()
    found = figures(airing)
    assert [point.listeners for point in found.curve] == [2, 3, 0, 1]
    assert found.peak == Point(at(1), 3)
    assert (found.viewers, found.anonymous, found.average_minutes) == (7, 6, 2.0)


def test_airing_without_listeners(airing):
    assert figures(airing) == attendance_report.Figures([], None, 0, 0, None)
    assert not attendance_report.airings_of(airing.event).exists()


def test_names_of_people_who_are_and_who_are_gone(airing):
    user = make_user(first_name="=Hugo", last_name="Bernard")
    registered = Registration.objects.create(
        event=airing.event, address="z@univ.fr", name="+Zoé", language="fr", told_start_at=timezone.now()
    )
    everybody = {f"u{user.pk}", "u999999", registered.viewer, "r999999", "abc"}
    note({airing.event_id: everybody}, NOW)
    names = {one.name for one in named(list(people(airing)))}
    assert names == {"=Hugo Bernard", "+Zoé", "Compte supprimé", "Inscription supprimée"}
    table = attendance_report.people_csv(airing)
    assert table.startswith("\ufeffNom;")
    assert "\r\n'=Hugo Bernard;" in table
    assert "\r\n'+Zoé;;z@univ.fr;1;2026-03-02 10:00;2026-03-02 10:01" in table
    assert attendance_report.curve_csv(airing).endswith("2026-03-02 10:00;5\r\n")


# --- forgetting


def test_what_is_forgotten_and_what_stays(airing, settings, monkeypatch):
    monkeypatch.setattr(attendance, "MOST_AT_ONCE", 2)
    settings.ATTENDANCE_DAYS = 30
    now = timezone.now()
    note({airing.event_id: {"u1", "r2", "abc", "abd", "abe"}}, NOW)
    assert forget(now) == 0
    Airing.objects.update(ended_at=now - timedelta(hours=25))
    assert forget(now) == 3
    assert set(rows(airing)) == {"u1", "r2"}
    assert forget(now + timedelta(days=29)) == 0
    assert forget(now + timedelta(days=31)) == 2
    airing.refresh_from_db()
    assert (airing.forgotten, figures(airing).viewers) == (5, 5)
    assert curve(airing) == [(0, 5)]


def test_live_that_nobody_ended_is_forgotten_too(airing):
    note({airing.event_id: {"abc"}}, NOW)
    Airing.objects.update(began_at=timezone.now() - timedelta(days=3))
    assert forget(timezone.now()) == 1


def test_minutes_stay_with_the_event(airing):
    note({airing.event_id: {"abc"}}, NOW)
    airing.event.livestream.delete()
    airing.event.delete()
    assert not AiringMinute.objects.exists()
    assert not Presence.objects.exists()
