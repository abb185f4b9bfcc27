"""A right that is withdrawn while its holder watches: the stream ends and the picture stops within a minute, in the real process."""

import time

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser

from amphi.audience import domain
from amphi.audience.models import Event
from amphi.webinars.models import State
from tests import ports
from tests.audience import web_process
from tests.factories import make_webinar, put

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT_S = 60.0


def test_stream_and_picture_end_when_an_event_becomes_restricted(settings, tmp_path):
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar()
    put(livestream, State.LIVE)
    ticket = domain.ticket_for(livestream.event, AnonymousUser())
    asked = {"X-Ticket": ticket, "X-Stream": livestream.event.broadcaster.stream}
    with (
        web_process.running(ports.reserve(), tmp_path) as web,
        httpx.Client(base_url=web.url, timeout=LIMIT_S, trust_env=False) as http,
        http.stream("GET", f"/live/{livestream.event_id}/events?ticket={ticket}") as stream,
    ):
        lines = stream.iter_lines()
        assert any(line == "event: snapshot" for line in lines)
        assert http.get("/edge/ticket", headers=asked).status_code == 204
        Event.objects.filter(pk=livestream.event_id).update(is_restricted=True)
        withdrawn_at = time.monotonic()
        rest = list(lines)
        ended_s = time.monotonic() - withdrawn_at
        picture = http.get("/edge/ticket", headers=asked)
        again = http.get(f"/live/{livestream.event_id}/events?ticket={ticket}")
    assert 'data: {"reason":"withdrawn"}' in rest
    assert ended_s < LIMIT_S
    # The edge asks again once its memory of 45 s ends (`edge.REMEMBER_S`), and is refused then.
    assert picture.status_code == again.status_code == 403
