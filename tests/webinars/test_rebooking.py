"""Another gateway, when one's own is dead or taken."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience.models import Event, StreamMessage
from amphi.mails.models import Mail
from amphi.webinars import domain, rebooking
from amphi.webinars.models import Livestream, RetiringJob, State
from amphi.worker import rules
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar
from tests.webinars.looking import age, look, on_air
from tests.webinars.stage import open_stage

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def other_stage():
    stage, server = open_stage()
    yield stage
    server.shutdown()
    server.server_close()


def lose_gateway(livestream: Livestream, stage) -> None:
    """The gateway's machine dies: neither its API nor its pictures."""
    stage.broken["gateway"] = 500
    stage.advancing = False
    age(livestream, media_seen_at=timedelta(seconds=30))
    look(livestream)
    assert livestream.state == State.RECOVERING
    long_ago = rules.EAGER_FOR + timedelta(seconds=1)
    age(livestream, state_since=long_ago, job_since=long_ago)


def test_dead_gateway_is_replaced_by_a_free_one(livestream, stage, other_stage):
    other = make_gateway("other", sipmediagw_url=other_stage.url, hls_url=f"{other_stage.url}/hls/other.m3u8")
    on_air(livestream, stage)
    old = str(livestream.job_id)
    lose_gateway(livestream, stage)
    look(livestream, 2)
    assert livestream.gateway == other
    assert Event.objects.get().broadcaster == other.broadcaster
    other_stage.sequence, other_stage.advancing = 1, True
    look(livestream, 3)
    assert livestream.state == State.LIVE
    assert other_stage.jobs == {str(livestream.job_id): "joining"}
    assert StreamMessage.objects.filter(kind="state").count() >= 4

    # The old one is told to stop as soon as it listens again.
    stage.broken.clear()
    look(livestream)
    assert stage.jobs[old] == "idle"
    assert not RetiringJob.objects.exists()


def test_dead_gateway_without_another_free_is_waited_for(livestream, stage):
    make_gateway("taken")
    taken = make_webinar(start_at=timezone.now(), duration=3 * HOUR)
    assert taken.gateway != livestream.gateway
    on_air(livestream, stage)
    lose_gateway(livestream, stage)
    before = livestream.gateway
    look(livestream, 2)
    assert livestream.gateway == before
    assert livestream.state == State.RECOVERING


def test_overrun_moves_the_next_webinar_to_a_free_gateway(livestream, stage):
    on_air(livestream, stage)
    following = make_webinar(start_at=livestream.ends_at, duration=HOUR, gateway=livestream.gateway)
    assert following.gateway == livestream.gateway
    spare = make_gateway("spare")
    age(livestream, starts_at=HOUR, ends_at=timedelta())
    Livestream.objects.filter(pk=following.pk).update(starts_at=timezone.now() + timedelta(minutes=2))
    look(livestream)
    following.refresh_from_db()
    assert following.gateway == spare
    assert following.event.broadcaster == spare.broadcaster
    assert livestream.state == State.LIVE
    assert not Mail.objects.exists()


def test_overrun_without_a_free_gateway_warns_once_in_each_readers_language(livestream, stage):
    boss = make_user(is_superuser=True, language="en")
    on_air(livestream, stage)
    following = make_webinar(start_at=livestream.ends_at, duration=HOUR, gateway=livestream.gateway)
    age(livestream, starts_at=HOUR, ends_at=timedelta())
    Livestream.objects.filter(pk=following.pk).update(starts_at=timezone.now() + timedelta(minutes=2))
    look(livestream)
    age(livestream, made_way_at=rules.OVERRUN_EVERY)
    look(livestream)
    mails = {mail.to: mail for mail in Mail.objects.all()}
    assert set(mails) == {following.meeting.owner.email, boss.email}
    assert "has no live gateway yet" in mails[boss.email].subject
    assert following.meeting.name in mails[boss.email].html
    assert livestream.meeting.name in mails[boss.email].text


def test_start_on_a_gateway_that_is_used_takes_another(livestream, stage):
    on_air(livestream, stage)
    following = make_webinar(start_at=livestream.ends_at, duration=HOUR, gateway=livestream.gateway)
    assert rebooking.is_taken(following)
    spare = make_gateway("spare")
    domain.go_live(following, user=following.meeting.owner)
    stored = Livestream.objects.get(pk=following.pk)
    assert (stored.gateway, stored.state) == (spare, State.STARTING)
    assert Event.objects.get(pk=stored.event_id).broadcaster == spare.broadcaster


def test_none_free_mails_the_administrators_the_overlapping_webinars():
    boss = make_user(is_superuser=True, language="en")
    make_gateway()
    at = in_hours(30)
    first = make_webinar(start_at=at)
    kept = make_meeting(is_webinar=True, start_at=at)
    assert not kept.is_webinar
    (mail,) = Mail.objects.all()
    assert mail.to == boss.email
    assert first.meeting.name in mail.text
    assert kept.name in mail.subject


def test_limit_is_announced_in_the_meeting_before_it_stops_the_live(livestream, stage, settings):
    on_air(livestream, stage)
    age(livestream, start_asked_at=timedelta(hours=settings.MEETING_MAX_DURATION) - timedelta(minutes=5))
    look(livestream, 3)
    assert livestream.state == State.LIVE
    assert stage.count("sendChatMessage") == 1
