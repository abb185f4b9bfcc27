"""Starting a meeting behind Scalelite whose server is gone."""

import pytest
from django.utils import timezone
from django.utils.translation import override

from amphi.meetings.exceptions import MeetingServerError
from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream
from amphi.webinars.starting import start_meeting
from tests.factories import make_meeting, make_webinar
from tests.meetings.scalelite import Scalelite

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(serve, settings):
    settings.USE_MEETING_WEBINAR = True
    pool = Scalelite()
    settings.BBB_API_URL = serve(pool).url
    settings.BBB_SECRET_KEY = "secret"
    return pool


def start(meeting: Meeting) -> str:
    return start_meeting(meeting, user=meeting.owner)


def open_long_ago(meeting: Meeting) -> None:
    Meeting.objects.filter(pk=meeting.pk).update(started_at=timezone.now(), ended_at=None)
    meeting.refresh_from_db()


def test_start_frees_a_meeting_whose_server_is_gone(pool):
    meeting = make_meeting()
    pool.placed[meeting.bbb_id], pool.dead = "first", {"first"}
    assert "join?" in start(meeting)
    assert pool.asked[:3] == ["create", "end", "create"]
    assert pool.placed[meeting.bbb_id] == "second"


def test_start_frees_an_open_meeting_whose_server_is_gone(pool):
    meeting = make_meeting()
    open_long_ago(meeting)
    pool.placed[meeting.bbb_id], pool.dead = "first", {"first"}
    assert "join?" in start(meeting)
    assert pool.asked[:4] == ["create", "getMeetingInfo", "end", "create"]


def test_start_never_ends_a_meeting_that_runs(pool):
    meeting = make_meeting()
    open_long_ago(meeting)
    pool.placed[meeting.bbb_id], pool.slow, pool.running = "first", {"first"}, {meeting.bbb_id}
    with pytest.raises(MeetingServerError):
        start(meeting)
    assert "end" not in pool.asked


@pytest.mark.parametrize("state", ["starting", "live", "recovering", "stopping"])
def test_start_never_ends_the_meeting_of_a_live_that_runs(pool, state):
    livestream = make_webinar()
    open_long_ago(livestream.meeting)
    Livestream.objects.filter(pk=livestream.pk).update(state=state)
    pool.placed[livestream.meeting.bbb_id], pool.dead = "first", {"first"}
    with pytest.raises(MeetingServerError):
        start(livestream.meeting)
    assert "end" not in pool.asked


def test_start_is_refused_once_when_no_server_is_left(pool):
    meeting = make_meeting()
    pool.placed[meeting.bbb_id], pool.dead = "first", {"first", "second"}
    with pytest.raises(MeetingServerError):
        start(meeting)
    assert pool.asked == ["create", "end", "create"]


@pytest.mark.parametrize("name", ["m", "😀" * 129])
def test_start_says_that_the_name_is_too_short_or_too_long_and_asks_nothing(pool, name):
    """As of a meeting that was saved before the form refused such names."""
    meeting = make_meeting()
    meeting.name = name
    with override("en"), pytest.raises(MeetingServerError, match="2 to 256 characters"):
        start(meeting)
    assert pool.asked == []
