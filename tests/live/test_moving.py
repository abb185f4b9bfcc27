"""A live page whose picture comes from elsewhere all at once, because another gateway took over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amphi.audience.models import Broadcaster
from amphi.webinars import rebooking, transitions
from tests.audience import web_process
from tests.factories import make_gateway
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import Hall, Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def watch_picture(visit: Visit, height: int) -> None:
    """Wait until a picture of that height moves."""
    visit(
        lambda page: page.wait_for_function(
            "height => { const { dataset, videoHeight } = document.getElementById('video');"
            " return dataset.playing === 'true' && videoHeight === height; }",
            arg=height,
        )
    )


def move(hall: Hall, hls_url: str) -> None:
    """What the supervisor does when a gateway does not answer: another takes its place, and sends to another address."""
    hall.livestream.refresh_from_db()
    assert rebooking.replace_gateway(hall.livestream, reason="gateway_unreachable")
    assert hall.event.broadcaster.hls_url == hls_url


@contextmanager
def two_pictures(folder: Path, other: str) -> Iterator[str]:
    """The stream "hall" 180 pixels high, and `other` 360 high at another origin; its address is given."""
    with origin(folder) as (rtmp, http), origin(folder) as (other_rtmp, other_http):
        here, there = f"http://{http}/hls/hall.m3u8", f"http://{other_http}/hls/{other}.m3u8"
        Broadcaster.objects.update(hls_url=here)
        for url in (here, there):
            wait_for(url, 404)
        with publishing(rtmp), publishing(other_rtmp, other, size="640x360"):
            for url in (here, there):
                wait_for(url, 200)
            # A page fetches pictures from the live servers that there were when it was opened.
            make_gateway(hls_url=there)
            yield there


@pytest.mark.parametrize("other", ["aula", "hall"], ids=["another-name", "the-same-name-elsewhere"])
def test_page_follows_the_live_to_another_stream(hall, web, audience_chromium, tmp_path, other):
    with two_pictures(tmp_path, other) as elsewhere:
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        with visiting(audience_chromium, web.url + hall.path) as visit:
            watch_picture(visit, 180)
            visit(lambda page: page.evaluate("window.sameDocument = true"))
            # The old picture goes on: its gateway does not listen, that is all.
            hall.apply(transitions.MEDIA_LOST)
            visit.state("recovering")
            move(hall, elsewhere)
            hall.apply(transitions.MEDIA_SEEN)
            visit.state("live")
            watch_picture(visit, 360)
            hall.say("Me revoilà")
            visit.see(".chat-message")
            assert visit(lambda page: page.evaluate("window.sameDocument")) is True
            hall.apply(transitions.STOP)
            visit.state("over")


def test_page_that_heard_nothing_of_the_move_follows_it_too(hall, audience_chromium, tmp_path, free_port):
    with two_pictures(tmp_path, "aula") as elsewhere, web_process.running(free_port, tmp_path) as first:
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        with visiting(audience_chromium, first.url + hall.path) as visit:
            watch_picture(visit, 180)
            visit(lambda page: page.evaluate("window.sameDocument = true"))
            first.stop()
            move(hall, elsewhere)
            # The web part is back before it takes listeners of events again.
            refuse = "**/events?*"
            visit(lambda page: page.route(refuse, lambda route: route.fulfill(status=503)))
            with web_process.running(free_port, tmp_path):
                visit(lambda page: page.wait_for_event("response", lambda answer: "/state" in answer.url))
                visit(lambda page: page.unroute(refuse))
                watch_picture(visit, 360)
                assert visit(lambda page: page.evaluate("window.sameDocument")) is True
