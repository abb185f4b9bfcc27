"""A live gateway whose address, token or CA file was filled in wrongly costs only its own webinar, and that can be ended."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording
from amphi.webinars import deletion, domain
from amphi.webinars.models import LiveGateway, RetiringJob, State
from amphi.worker import answers, decision, retiring, supervisor
from tests.webinars.looking import age, look, on_air, retire, start

WRONG = [
    {"sipmediagw_url": "", "dialect": "amphi"},
    {"sipmediagw_url": "gateway.example.org"},
    {"sipmediagw_url": "https://gateway.example.org:99999"},
    {"sipmediagw_url": "https://[gateway"},
    {"sipmediagw_url": "https://user:password@gateway.example.org"},
    {"ca_file": "/nowhere/ca.pem"},
    {"sipmediagw_token": "two\nlines"},
    {"sipmediagw_token": "jeton…"},
    {"sipmediagw_url": "", "dialect": "auto"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_start_with_a_gateway_that_is_filled_in_wrongly_says_so(livestream, stage, wrong):
    LiveGateway.objects.update(**wrong)
    start(livestream)
    assert look(livestream) == decision.AFTER_ERROR
    assert livestream.last_error == "gateway_misconfigured"
    assert livestream.last_error_detail
    assert wording.last_error(livestream) == str(wording.ERRORS["gateway_misconfigured"])


@pytest.mark.parametrize("wrong", WRONG)
def test_stop_with_a_gateway_that_is_filled_in_wrongly_ends(livestream, stage, wrong):
    on_air(livestream, stage)
    LiveGateway.objects.update(**wrong)
    domain.stop_live(livestream, user=livestream.meeting.owner)
    assert look(livestream) == decision.AFTER_ERROR
    assert livestream.state == State.STOPPING
    age(livestream, state_since=answers.STOP_GIVES_UP + timedelta(seconds=1))
    look(livestream)
    assert livestream.state == State.FAILED


def test_webinar_whose_gateway_is_filled_in_wrongly_can_be_deleted(livestream, stage):
    on_air(livestream, stage)
    LiveGateway.objects.update(sipmediagw_url="nothing")
    deletion.delete(livestream.meeting, user=livestream.meeting.owner, tells_invited=False)
    look(livestream)
    age(livestream, state_since=answers.STOP_GIVES_UP + timedelta(seconds=1))
    look(livestream)
    RetiringJob.objects.update(since=timezone.now() - 2 * retiring.CORRECTED_WITHIN)
    retire()
    livestream.refresh_from_db()
    assert supervisor.look(livestream) is None
    assert not Meeting.objects.exists()
