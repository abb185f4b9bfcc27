"""The live page before the start in a real browser: the reader's hour, the test of sound and picture, and no barrier on any page."""

import pytest

from amphi.audience import posters, registration
from amphi.audience.models import Broadcaster, Registration
from amphi.webinars import domain, transitions
from tests.browser import axe_violations
from tests.live.pictures import origin, publishing, wait_for
from tests.live.test_invitation import upload
from tests.live.visits import session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [({"width": 1280, "height": 800}, "light"), ({"width": 320, "height": 640}, "dark")]
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"


def test_hour_is_told_in_the_reader_s_time_zone(hall, web, audience_chromium):
    url = web.url + hall.path
    with visiting(audience_chromium, url, timezone_id="America/New_York") as visit:
        visit.see(".stage-local:not([hidden])")
        assert visit.text(".stage-local").startswith("Dans votre fuseau horaire\u00a0: ")
        assert "UTC" in visit.text(".stage-local")
    with visiting(audience_chromium, url, timezone_id="Europe/Paris") as visit:
        visit.state("waiting")
        assert visit(lambda page: page.locator(".stage-local").is_hidden())


def test_sound_picture_and_network_are_tested(hall, web, audience_chromium):
    with visiting(audience_chromium, web.url + hall.path) as visit:
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


def faults(visit, name: str) -> list[str]:
    found: list[str] = []
    for size, scheme in LOOKS:

        def dress(page, size=size, scheme=scheme) -> None:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_function("want => document.documentElement.dataset.bsTheme === want", arg=scheme)
            page.evaluate(OPEN_ALL)

        visit(dress)
        found += [f"{name} {size['width']} {scheme}: {line}" for line in visit(axe_violations)]
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if visit(lambda page: page.evaluate(too_wide)) > 0:  # noqa: B023 -- called at once
            found.append(f"{name} {size['width']}: scrolls sideways")
    return found


def test_pages_have_no_barrier(hall, web, audience_chromium):
    event, meeting = hall.event, hall.livestream.meeting
    posters.keep(event, posters.draw(upload()))
    registration.set_rules(event, is_required=False, is_open=True, capacity=9, questions=["Votre niveau ?*"])
    for number, status in enumerate(Registration.Status.values):
        Registration.objects.create(
            event=event,
            address=f"p{number}@example.org",
            name="Léa Dupont",
            answers=[["Votre niveau ?", "L3"]],
            status=status,
            told_start_at=event.start_at,
        )
    pages = {
        "event": hall.path,
        "reminder": f"{hall.path}reminder",
        "registration": f"{hall.path}registration",
        "link gone": f"{hall.path}r/1-x",
        "list": "/",
    }
    found: list[str] = []
    for name, path in pages.items():
        with visiting(audience_chromium, web.url + path) as visit:
            found += faults(visit, name)
    session = session_of(hall.presenter)
    for name in ("registrations", "options"):
        with visiting(audience_chromium, f"{web.url}/webinars/{meeting.slug}/{name}/", session) as visit:
            found += faults(visit, name)
    assert found == []
