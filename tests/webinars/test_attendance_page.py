"""The page on the audience of a webinar, its files, and the option of pseudonyms."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience.attendance import note
from amphi.audience.models import Airing, Event, Presence
from amphi.webinars.models import Livestream, State
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
NOW = int(datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp() // 60)


@pytest.fixture
def webinar(settings, client) -> Livestream:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(make_user("owner"), gateway=make_gateway(), name="Thermodynamique")
    put(livestream, State.LIVE)
    client.force_login(livestream.meeting.owner)
    return livestream


def air(webinar: Livestream, minutes: int, people: int = 3, visitors: int = 2, ago: int = 0) -> Airing:
    """An airing over so many days ago, watched to the end by some people, and by visitors for its first minute."""
    Airing.objects.update(ended_at=timezone.now())
    airing = Airing.objects.create(event=webinar.event, began_at=timezone.now())
    users = {f"u{make_user(first_name=f'Élève {number}').pk}" for number in range(people)}
    for minute in range(minutes):
        guests = {f"a{number}" for number in range(visitors)} if not minute else set()
        note({webinar.event_id: users | guests}, NOW + minute)
    airing.began_at -= timedelta(days=ago)
    airing.save()
    return airing


def address(webinar: Livestream, name: str, *more: object) -> str:
    return reverse(f"webinars:{name}", args=[webinar.meeting.slug, *more])


def test_before_the_first_live_there_is_nothing(webinar, client):
    page = client.get(address(webinar, "attendance")).content.decode()
    assert "Aucune audience enregistrée" in page
    assert address(webinar, "attendance") in client.get(webinar.meeting.get_absolute_url()).content.decode()


def test_live_without_listeners_is_not_listed(webinar, client):
    Airing.objects.create(event=webinar.event, began_at=timezone.now())
    assert "Aucune audience enregistrée" in client.get(address(webinar, "attendance")).content.decode()


def test_page_shows_the_last_airing_its_curve_and_people(webinar, client):
    air(webinar, 2, ago=7)
    airing = air(webinar, 3)
    page = client.get(address(webinar, "attendance"))
    assert page.context["chosen"] == airing
    figures = page.context["figures"]
    assert [point.listeners for point in figures.curve] == [5, 3, 3]
    assert (figures.viewers, figures.anonymous) == (5, 2)
    said = page.content.decode()
    for words in ("Élève 0", "Séances", "Maximum simultané", 'd="M0.0 0.0 h240.0 L240.0 80.0'):
        assert words in said
    assert "a0" not in [one.name for one in page.context["people"]]
    assert len(page.context["people"]) == 3


@pytest.mark.parametrize(
    ("minutes", "row_minutes", "rows"), [(1, 1, 1), (60, 1, 60), (61, 2, 31), (150, 3, 50)]
)
def test_table_of_the_curve_stays_short(webinar, client, minutes, row_minutes, rows):
    air(webinar, minutes, people=1)
    page = client.get(address(webinar, "attendance"))
    assert (page.context["row_minutes"], len(page.context["rows"])) == (row_minutes, rows)
    assert page.context["rows"][0].listeners == 3


def test_crowd_is_shown_a_page_at_a_time(webinar, client, django_assert_max_num_queries):
    air(webinar, 1, people=0)
    airing = Airing.objects.get()
    Presence.objects.bulk_create(
        Presence(airing=airing, viewer=f"u{10**6 + n}", minutes=1, first_minute=NOW, last_minute=NOW)
        for n in range(250)
    )
    with django_assert_max_num_queries(25):
        page = client.get(address(webinar, "attendance"), {"page": 3})
    assert len(page.context["people"]) == 50
    assert client.get(address(webinar, "attendance"), {"page": "x"}).status_code == 200


def test_airing_of_another_webinar_is_not_shown(webinar, client):
    other = make_webinar(gateway=make_gateway())
    theirs = Airing.objects.create(event=other.event, began_at=timezone.now())
    for name in ("airing", "people_csv", "curve_csv"):
        assert client.get(address(webinar, name, theirs.pk)).status_code == 404


def test_files(webinar, client):
    airing = air(webinar, 2)
    people = client.get(address(webinar, "people_csv", airing.pk))
    curve = client.get(address(webinar, "curve_csv", airing.pk))
    assert people["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="thermodynamique-' in people["Content-Disposition"]
    assert people["Content-Disposition"].endswith('-people.csv"')
    assert people.content.decode().count("\r\n") == 4
    assert curve.content.decode().endswith("10:00;5\r\n2026-03-02 10:01;3\r\n")


def test_presenters_choose_pseudonyms_for_past_sessions_too(webinar, client):
    airing = air(webinar, 2)
    before = set(airing.presences.values_list("viewer", flat=True))
    change = address(webinar, "change_options", "audience")
    assert client.post(change, {"pseudonyms": "on"}).status_code == 302
    after = set(airing.presences.values_list("viewer", flat=True))
    assert {viewer[0] for viewer in before} == {"u", "a"}
    assert {viewer[0] for viewer in after} == {"p", "a"}
    page = client.get(address(webinar, "attendance")).content.decode()
    assert "Élève" not in page
    assert "Auditeur " in page
    note({webinar.event_id: before}, NOW + 2)
    assert set(airing.presences.values_list("viewer", flat=True)) == after
    # Names again, and pseudonyms once more: nobody stands there twice.
    client.post(change, {})
    note({webinar.event_id: before}, NOW + 3)
    assert airing.presences.count() == 8
    client.post(change, {"pseudonyms": "on"})
    assert set(airing.presences.values_list("viewer", flat=True)) == after


@pytest.mark.parametrize(
    ("who", "pseudonyms", "words"),
    [
        ("listener", False, "Votre présence est visible par les organisateurs."),
        ("listener", True, "Votre présence est conservée sous un pseudonyme."),
        ("visitor", False, ""),
    ],
)
def test_listeners_are_told(webinar, client, who, pseudonyms, words):
    Event.objects.update(attendance_pseudonyms=pseudonyms)
    client.logout()
    if who == "listener":
        client.force_login(make_user())
    page = client.get(webinar.event.get_absolute_url()).content.decode()
    assert words in page
    assert ("Votre présence" in page) is bool(words)
