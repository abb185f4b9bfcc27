"""The live page before the start in a real browser: the reader's hour, the test of sound and picture."""

import pytest

from amphi.audience.models import Broadcaster
from amphi.webinars import domain, transitions
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_hour_of_the_reader_and_the_test_of_sound_picture_and_network(hall, web, audience_chromium):
    url = web.url + hall.path
    with visiting(audience_chromium, url, timezone_id="Europe/Paris") as visit:
        visit.state("waiting")
        assert visit(lambda page: page.locator(".stage-local").is_hidden())
    with visiting(audience_chromium, url, timezone_id="America/New_York") as visit:
        visit.see(".stage-local:not([hidden])")
        assert visit.text(".stage-local").startswith("Dans votre fuseau horaire\u00a0: ")
        assert "UTC" in visit.text(".stage-local")
        visit.state("waiting")
        visit(lambda page: page.locator("#check summary").press("Enter"))
        visit(lambda page: page.locator("[data-check-start]").press("Enter"))
        for what, outcome in (
            ("sound", "ok"),
            ("picture", "ok"),
            ("network", "ok"),
            ("stream", "bad"),  # nobody listens where this picture would come from
        ):
            visit.see(f'[data-result="{what}"][data-outcome="{outcome}"]')
        assert "trois notes" in visit.text('[data-result="sound"]')
        assert "Essayez un autre réseau" in visit.text('[data-result="stream"]')
        visit.state("waiting")
        hall.apply("go_live")
        visit.state("starting")
        visit.gone(".before")


def test_picture_shows_once_presenters_go_live(hall, web, audience_chromium, tmp_path):
    domain.set_starts_backstage(hall.livestream.meeting, backstage=True, user=hall.presenter)
    playing = 'video[data-playing="true"]'
    with origin(tmp_path) as (rtmp, http):
        hls = f"http://{http}/hls/hall.m3u8"
        Broadcaster.objects.update(hls_url=hls)
        wait_for(hls, 404)
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        panel = f"{web.url}/meetings/{hall.livestream.meeting.slug}/"
        with (
            publishing(rtmp),
            visiting(audience_chromium, web.url + hall.path) as listener,
            visiting(audience_chromium, f"{web.url}/", session_of(hall.presenter)) as presenter,
        ):
            presenter(lambda page: page.goto(panel))
            wait_for(hls, 200)
            assert "En coulisses" in presenter.text(".stage-head")
            listener.state("waiting")
            listener.see(".before")
            assert listener(lambda page: page.locator(playing).count()) == 0
            presenter(lambda page: page.locator('[data-offer="open"] button').press("Enter"))
            listener.state("live")
            listener.see(playing)
            presenter.see('[data-slot="state"]:has-text("En direct")')
