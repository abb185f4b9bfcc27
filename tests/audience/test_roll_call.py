"""`amphi web` notes by itself who holds a stream of a live that is on the air."""

import time

import httpx
import pytest

from amphi.audience import domain
from amphi.audience.models import AiringMinute, Presence
from amphi.webinars import transitions
from tests.audience import web_process
from tests.audience.web_process import PATIENCE_S
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_listens_is_noted(settings, free_port, tmp_path):
    settings.USE_MEETING_WEBINAR = True
    live = make_webinar(gateway=make_gateway())
    for trigger in (transitions.GO_LIVE, transitions.MEDIA_SEEN):
        assert transitions.apply(live, trigger, user=None)
    user = make_user()
    with web_process.running(free_port, tmp_path) as web, httpx.Client(timeout=PATIENCE_S) as client:
        # The first listener of a process has the roll called at once.
        ticket = domain.ticket_for(live.event, user)
        address = f"{web.url}/live/{live.event_id}/events?ticket={ticket}"
        stream = client.send(client.build_request("GET", address), stream=True)
        assert stream.status_code == 200
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not Presence.objects.exists():
            assert time.monotonic() < deadline, "nobody was noted"
            time.sleep(0.1)
    row = Presence.objects.select_related("airing").get()
    assert (row.airing.event_id, row.viewer, row.airing.ended_at) == (live.event_id, f"u{user.pk}", None)
    assert AiringMinute.objects.first().listeners == 1
