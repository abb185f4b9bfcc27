"""Who came: from signed deliveries to the page and the file."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.meetings.models import Attendance, Meeting, Session
from tests.factories import make_meeting, make_user, make_webinar
from tests.webhooks import SECRET, came, deliver, event, went

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.BBB_API_URL = "http://127.0.0.1:9/bigbluebutton"
    settings.BBB_SECRET_KEY = SECRET


def test_coming_and_going_are_noted(client):
    ada = make_user("ada")
    meeting = make_meeting()
    assert (
        deliver(client, meeting, came(meeting, "Ada", f"amphi-{ada.pk}"), came(meeting, "Bob", at_s=60))
        == 200
    )
    deliver(client, meeting, went(meeting, "Ada", at_s=120))
    first, second = Attendance.objects.all()
    assert (first.name, first.user, (first.left_at - first.joined_at).total_seconds()) == ("Ada", ada, 120)
    assert (second.name, second.user, second.left_at) == ("Bob", None, None)


def test_delivery_that_is_repeated_changes_nothing(client):
    meeting = make_meeting()
    for _ in range(2):
        deliver(client, meeting, came(meeting, "Ada"), went(meeting, "Ada", at_s=9))
    assert Attendance.objects.get().left_at is not None


def test_coming_back_is_another_line(client):
    meeting = make_meeting()
    deliver(client, meeting, came(meeting, "Ada"), went(meeting, "Ada", 10), came(meeting, "Ada", at_s=20))
    assert [one.left_at is None for one in Attendance.objects.all()] == [False, True]


@pytest.mark.parametrize("known", ["life-1", ""])
def test_end_closes_the_session_and_the_meeting(client, known):
    meeting = make_meeting()
    Meeting.objects.update(started_at=timezone.now() - timedelta(minutes=1), session_id=known)
    deliver(client, meeting, came(meeting, "Ada"), event(meeting, "meeting-ended", 30))
    session, one = Session.objects.get(), Attendance.objects.get()
    assert session.ended_at == one.left_at is not None
    assert Meeting.objects.get().ended_at is not None


def test_late_end_of_the_session_before_closes_nothing_that_goes_on(client):
    meeting = make_meeting()
    deliver(client, meeting, came(meeting, "Ada"))
    Meeting.objects.update(started_at=timezone.now(), session_id="life-2")
    deliver(client, meeting, event(meeting, "meeting-ended", 30))
    assert Session.objects.get().ended_at is not None
    assert Meeting.objects.get().is_open


def test_each_life_of_the_meeting_is_a_session(client):
    meeting = make_meeting()
    deliver(client, meeting, came(meeting, "Ada"), came(meeting, "Ada", at_s=99, session="life-2"))
    assert Session.objects.count() == 2


def test_streaming_user_is_nobody(client):
    meeting = make_webinar().meeting
    deliver(
        client, meeting, came(meeting, "streaming", f"amphi-streaming-{meeting.pk}"), came(meeting, "Ada")
    )
    assert [one.name for one in Attendance.objects.all()] == ["Ada"]


def test_events_of_another_meeting_are_not_ours(client):
    meeting, other = make_meeting(), make_meeting()
    deliver(client, meeting, came(other, "Ada"))
    assert not Attendance.objects.exists()


@pytest.mark.parametrize(
    "external_id", ["amphi-999999", "amphi-0", "amphi-x", "amphi-1e9", "amphi-" + "9" * 30]
)
def test_unknown_person_is_a_name(client, external_id):
    meeting = make_meeting()
    deliver(client, meeting, came(meeting, "Ada", external_id))
    assert Attendance.objects.get().user is None


# --- the page and the file


@pytest.mark.parametrize("rows", [1, 3])
def test_page_takes_as_many_queries_for_any_number(client, rows, django_assert_num_queries):
    meeting = make_meeting()
    deliver(client, meeting, *(came(meeting, f"P{n}", f"amphi-{make_user().pk}") for n in range(rows)))
    client.force_login(meeting.owner)
    with django_assert_num_queries(5):
        page = client.get(reverse("meetings:sessions", args=[meeting.slug]))
    assert page.content.decode().count('scope="row"') == rows


def test_session_of_another_meeting_is_not_shown(client):
    meeting, other = make_meeting(), make_meeting()
    deliver(client, other, came(other, "Ada"))
    client.force_login(meeting.owner)
    for name in ("session", "session_csv"):
        url = reverse(f"meetings:{name}", args=[meeting.slug, Session.objects.get().pk])
        assert client.get(url).status_code == 404


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_no_name_is_a_formula(client, hostile):
    meeting = make_meeting(name="Optique & ondes")
    deliver(client, meeting, came(meeting, hostile))
    client.force_login(meeting.owner)
    url = reverse("meetings:session_csv", args=[meeting.slug, Session.objects.get().pk])
    response = client.get(url)
    assert response["Content-Disposition"].startswith('attachment; filename="optique-ondes-')
    head, row = csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), delimiter=";")
    assert len(head) == len(row)
    assert row[0] == "'" + hostile


def test_latest_session_is_shown_first(client):
    meeting = make_meeting()
    deliver(client, meeting, came(meeting, "Early", at_s=-600, session="life-1"))
    deliver(client, meeting, came(meeting, "Late", session="life-2"))
    client.force_login(meeting.owner)
    page = client.get(reverse("meetings:sessions", args=[meeting.slug]))
    assert page.context["chosen"].internal_id == "life-2"
    assert "Late" in page.content.decode()
