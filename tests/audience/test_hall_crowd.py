"""A hall on a real `amphi web`: every listener hears every message once and in order, also those who lost their connection."""

import asyncio

import pytest

from amphi.webinars.models import State
from bench import _crowd
from tests import ports
from tests.audience import web_process
from tests.factories import make_webinar, put

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_hear_all_once_and_in_order_while_some_drop_and_come_back(settings, tmp_path):
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar()
    put(livestream, State.LIVE)
    livestream.event.refresh_from_db()
    plan = _crowd.Plan(listeners=50, seconds=10, per_second=6, dropped=12)
    with web_process.running(ports.reserve(), tmp_path) as web:
        hall = _crowd.set_up(livestream.event, web.url, plan)
        result = asyncio.run(_crowd.Crowd(hall, plan, web.process.pid).meet())
    _crowd.compare_with_log(result.heard, livestream.event, plan)
    assert result.heard.faults == []
    assert result.heard.deliveries >= plan.listeners * plan.messages
    kinds = {kind for kind, _data in result.heard.content.values()}
    assert kinds >= {b"message", b"votes", b"poll", b"reactions"}
