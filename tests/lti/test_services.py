"""Names and roles, and grades: asked of the platform and sent to it by the worker."""

import re
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from amphi.audience.models import Airing, Event, Presence
from amphi.lti import grading, services
from amphi.lti.messages import NAMES_AND_ROLES
from amphi.lti.models import Course, Launch, Link, Member, Platform, Score
from amphi.worker import courses
from tests.lti.platform import TEACHER
from tests.lti.test_launch import linked, presented_by


@pytest.fixture(autouse=True)
def keys(moodle, client):
    moodle.tool_keys = client.get("/lti/keys").json()


def person(subject: str, role: str = "Learner", **more: str) -> dict:
    return {"user_id": subject, "roles": [role], **more}


def work() -> int:
    """Let a worker do what is due; how much that was."""
    leases = courses.claim_due(limit=10)
    for lease in leases:
        courses.work(lease)
    return len(leases)


def ask_again() -> None:
    Course.objects.update(ask_at=timezone.now())
    assert work() == 1


@pytest.fixture
def launch(visitor, moodle) -> Launch:
    """A student has come, and the activity opens a webinar."""
    found = visitor.launch(**moodle.services())
    linked(found, is_restricted=True, access_groups=[found.course.group])
    return found


# --- names and roles


def test_who_left_the_course_watches_no_longer(launch, moodle):
    user, group = launch.identity.user, launch.course.group
    moodle.members = [person("4"), person("5"), person("6")]
    assert work() == 1
    assert group in user.access_groups.all()
    # Nobody gets an account by being named; and the next time is known.
    assert Member.objects.count() == 1
    assert Course.objects.get().ask_at > timezone.now() + timedelta(hours=5)
    moodle.members = [person("5"), person("6"), person("7"), person("4", status="Inactive")]
    ask_again()
    assert group not in user.access_groups.all()
    assert not Member.objects.exists()


def test_teachers_of_today_present(launch, visitor, moodle):
    meeting = Link.objects.get().meeting
    teacher = visitor.launch(user="7", role=TEACHER).identity.user
    by_hand = meeting.owner.__class__.objects.create(username="by-hand")
    meeting.additional_owners.add(by_hand)
    moodle.members = [person("4", "Instructor"), person("7")]
    Course.objects.update(memberships_url=moodle.services()[NAMES_AND_ROLES]["context_memberships_url"])
    ask_again()
    assert set(meeting.additional_owners.all()) == {by_hand, launch.identity.user}
    assert teacher not in meeting.livestream.event.additional_owners.all()


@pytest.mark.parametrize(("down", "again"), [("500 Server Error", True), ("404 Not Found", True)])
def test_platform_that_does_not_tell_is_asked_again(launch, moodle, down, again):
    moodle.down = down
    assert work() == 1
    course = Course.objects.get()
    assert (course.ask_failures, course.ask_at is not None) == (1, again)
    # It told nothing, so nobody is thought to have left.
    assert Member.objects.exists()
    assert work() == 0


@pytest.mark.parametrize(
    "url", ["https://evil.example.org/x", "http://127.0.0.1:1/x", "file:///etc/passwd", None, 5, "x" * 2000]
)
def test_token_goes_to_the_platform_alone(url):
    platform = Platform(
        issuer="https://m.fr",
        auth_url="https://m.fr/a",
        token_url="https://t.m.fr/t",
        jwks_url="https://m.fr/k",
    )
    assert not services.is_of(platform, url)
    assert services.is_of(platform, "https://t.m.fr/members")


# --- grades


def aired(
    link: Link, minutes: dict[str, int], *, lasted: int = 60, ago: timedelta = timedelta(hours=1)
) -> Airing:
    """The webinar was on the air, and some accounts watched."""
    event = Event.objects.get(livestream__meeting=link.meeting)
    end = timezone.now() - ago
    airing = Airing.objects.create(event=event, began_at=end - timedelta(minutes=lasted), ended_at=end)
    for viewer, number in minutes.items():
        Presence.objects.create(airing=airing, viewer=viewer, minutes=number, first_minute=1, last_minute=1)
    return airing


@pytest.fixture
def column(launch, visitor, moodle) -> Link:
    """The activity has a column of grades, and two students have come."""
    for subject in ("4", "5"):
        visitor.launch(user=subject, **moodle.services(names=False))
    Course.objects.update(ask_at=None)
    moodle.members = [person("4"), person("5")]
    link = Link.objects.get()
    assert link.lineitem_url
    return link


def viewer(subject: str) -> str:
    return f"u{Member.objects.get(identity__subject=subject).identity.user_id}"


def test_grades_are_sent_once(column, moodle):
    assert work() == 0
    aired(column, {viewer("4"): 48, viewer("5"): 15})
    assert work() == 1
    told = {
        who: (one["scoreGiven"], one["scoreMaximum"], one["activityProgress"], one["gradingProgress"])
        for who, one in moodle.grades.items()
    }
    assert told == {"4": (80, 100, "Completed", "FullyGraded"), "5": (25, 100, "InProgress", "FullyGraded")}
    assert work() == 0
    # Whoever died after sending sends only the rest.
    Link.objects.update(graded_until=grading.EVER)
    assert work() == 1
    assert len(moodle.sent) == 2


def test_grade_grows_with_a_second_airing_and_never_falls(column, moodle):
    aired(column, {viewer("4"): 30, viewer("5"): 60}, ago=timedelta(hours=5))
    assert work() == 1
    Link.objects.update(graded_until=timezone.now() - timedelta(hours=3))
    aired(column, {viewer("4"): 60}, ago=timedelta(hours=1))
    assert work() == 1
    assert {who: one["scoreGiven"] for who, one in moodle.grades.items()} == {"4": 75, "5": 100}


def test_live_that_may_go_on_is_not_graded_yet(column):
    aired(column, {viewer("4"): 30}, ago=timedelta(minutes=5))
    assert work() == 0


def test_platform_that_is_down_gets_grades_later(column, moodle):
    aired(column, {viewer("4"): 30})
    moodle.down = "503 Service Unavailable"
    assert work() == 1
    assert (moodle.grades, work()) == ({}, 0)
    moodle.down = ""
    Link.objects.update(grade_at=timezone.now())
    assert work() == 1
    assert moodle.grades["4"]["scoreGiven"] == 50


def test_grade_that_is_refused_keeps_no_other(column, moodle):
    moodle.members = [person("5")]
    aired(column, {viewer("4"): 30, viewer("5"): 30})
    assert work() == 1
    assert set(moodle.grades) == {"5"}
    assert Score.objects.filter(sent_percent=None).exclude(refused_at=None).count() == 1


def test_webinar_under_pseudonyms_gives_no_grade(column, moodle):
    Event.objects.update(attendance_pseudonyms=True)
    aired(column, {viewer("4"): 30})
    work()
    assert moodle.sent == []


@pytest.mark.parametrize(
    ("watched", "on_air", "percent"),
    [(0, 60, 0), (30, 60, 50), (61, 60, 100), (1, 0, 0), (1, 1000, 0), (59, 60, 98)],
)
def test_per_cent(watched, on_air, percent):
    assert grading.percent_of(watched, on_air) == percent


def test_deep_linking_offers_a_column(visitor):

    launch = visitor.deep_link()
    mine = presented_by(launch.identity.user)
    page = visitor.submit(f"/lti/{launch.pk}/choose", {"meeting": mine.slug, "grades": "on"}).content.decode()

    token = re.search('name="JWT" value="([^"]+)"', page)[1]
    found = jwt.decode(token, options={"verify_signature": False})
    (item,) = found["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"]
    assert item["lineItem"] == {
        "scoreMaximum": 100,
        "label": mine.name,
        "resourceId": str(Link.objects.get().pk),
    }
