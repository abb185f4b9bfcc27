"""A real player tells how it receives the live."""

import time

import pytest
from django.utils import timezone

from amphi.audience.models import Broadcaster, Reception
from amphi.audience.reception import received_now
from amphi.webinars import transitions
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import PATIENCE_S, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HALF_A_MINUTE_IS_A_SECOND = """
  const later = setTimeout;
  window.setTimeout = (call, ms, ...more) => later(call, ms >= 25000 && ms <= 35000 ? 1000 : ms, ...more);
"""


def test_player_reports_what_it_measured(hall, web, audience_chromium, tmp_path):
    with origin(tmp_path) as (rtmp, http):
        hls = f"http://{http}/hls/hall.m3u8"
        Broadcaster.objects.update(hls_url=hls)
        wait_for(hls, 404)
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        url = web.url + hall.path
        with (
            publishing(rtmp),
            visiting(audience_chromium, url, script=HALF_A_MINUTE_IS_A_SECOND) as visit,
        ):
            visit.see('video[data-playing="true"]')
            deadline = time.monotonic() + 2 * PATIENCE_S
            while not Reception.objects.exists():
                assert time.monotonic() < deadline, "no report came"
                time.sleep(0.1)
    # The first report, of less than a second, is written at once, with those that came until the process got to it.
    row = Reception.objects.get()
    assert row.event == hall.event
    assert row.reports >= sum(row.delays)
    assert received_now(hall.event.pk, timezone.now()).reports == row.reports
