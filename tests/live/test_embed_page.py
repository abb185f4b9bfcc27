"""A live in a page of another site, in a real browser that gives it no cookies."""

import json
from contextlib import ExitStack

import pytest
from playwright.sync_api import Frame, Page

from amphi.audience.models import Audience, Broadcaster, Event
from amphi.webinars import transitions
from tests.audience import web_process
from tests.browser import axe_violations
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import Visit, visiting
from tests.waiting import wait_for as eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COURSE, ELSEWHERE = "https://moodle.example.org", "https://elsewhere.example.org"
SANDBOXED = "blog"
PLAYING = 'video[data-playing="true"]'


def frame_of(page: Page) -> Frame:
    return page.query_selector("iframe").content_frame()


class Course:
    """A page of another site with a live in a frame; what is asked for is noted."""

    def __init__(self, visit: Visit, player: str) -> None:
        self.visit = visit
        self.asked: list[str] = []
        page_with = "<!doctype html><title>Cours</title><h1>Cours</h1>{}".format
        # What is left of the code in an editor that keeps few attributes.
        body = page_with(f'<iframe src="{player}" width="640" height="360"></iframe>')
        # What WordPress makes of the answer of a provider that it does not know.
        unknown = page_with(
            f'<iframe sandbox="allow-scripts" security="restricted" src="{player}" width="640" height="360" title="Cours"></iframe>'
        )

        def prepare(page: Page) -> None:
            # Chromium keeps pages from afar away from servers of this machine.
            page.context.grant_permissions(["local-network-access"])
            page.context.new_cdp_session(page).send(
                "Network.setCookieControls",
                {
                    "enableThirdPartyCookieRestriction": True,
                    "disableThirdPartyCookieMetadata": True,
                    "disableThirdPartyCookieHeuristics": True,
                },
            )
            for site in (COURSE, ELSEWHERE):
                page.route(f"{site}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
            page.route(
                f"{COURSE}/{SANDBOXED}", lambda route: route.fulfill(body=unknown, content_type="text/html")
            )
            page.on("request", lambda request: self.asked.append(request.url))

        visit(prepare)

    def open(self, site: str = COURSE, path: str = "cours") -> None:
        self.visit(lambda page: page.goto(f"{site}/{path}"))

    def see(self, selector: str) -> None:
        self.visit(lambda page: frame_of(page).wait_for_selector(selector))

    def state(self, wanted: str) -> None:
        self.visit(
            lambda page: frame_of(page).wait_for_selector(
                f'html[data-live-state="{wanted}"]', state="attached"
            )
        )

    def text(self, selector: str) -> str:
        return self.visit(lambda page: frame_of(page).inner_text(selector))

    def viewer(self) -> str:
        facts = self.visit(lambda page: frame_of(page).text_content("#live-data"))
        return json.loads(facts)["viewer"]

    def viewers(self) -> list[int]:
        return list(Audience.objects.values_list("viewers", flat=True))


def test_live_in_a_page_of_another_site(hall, audience_chromium, tmp_path, free_port):
    with (
        web_process.running(free_port, tmp_path, AMPHI_EMBED_SITES=COURSE) as web,
        origin(tmp_path) as (rtmp, http),
        visiting(audience_chromium, web.url + "/healthz") as visit,
        ExitStack() as live,
    ):
        Broadcaster.objects.update(hls_url=f"http://{http}/hls/hall.m3u8")
        wait_for(f"http://{http}/hls/hall.m3u8", 404)
        live.enter_context(publishing(rtmp))
        player = f"{web.url}/embed/{hall.event.slug}/"
        course = Course(visit, player)
        visit(lambda page: page.context.clear_cookies())
        course.open()
        course.state("waiting")
        assert "Le direct apparaîtra ici" in course.text("#stage-panel")
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        course.see("#watch")
        # Nothing is fetched and nobody is counted before play is pressed.
        assert not any("/hls/" in url for url in course.asked)
        assert sum(course.viewers()) == 0

        def press(page: Page) -> None:
            frame_of(page).focus("#watch")
            page.keyboard.press("Enter")

        visit(press)
        course.see(PLAYING)
        eventually(lambda: sum(course.viewers()) == 1, "one viewer")
        assert (
            visit(lambda page: frame_of(page).evaluate("document.activeElement.localName"))
            == "media-play-button"
        )
        found = visit(lambda page: axe_violations(frame_of(page)))
        # The page is loaded again: the same viewer, who counts once.
        before = course.viewer()
        course.open()
        course.see("#watch")
        visit(press)
        course.see(PLAYING)
        eventually(lambda: sum(course.viewers()) == 1, "still one viewer")
        # Its one cookie is that site's: Chromium keeps it, and blocks all others in frames.
        (kept,) = visit(lambda page: page.context.cookies())
        assert (kept["name"], kept["partitionKey"]) == ("amphi_embed", "https://example.org")
        assert course.viewer() == before == kept["value"]
        # Where the site takes the frame's origin away nothing can be asked for: the page says where to watch.
        course.open(path=SANDBOXED)
        course.see(".embed-sandboxed")
        assert hall.path in course.text(".embed-sandboxed")
        assert visit(lambda page: frame_of(page).locator(".stage-say:visible").count()) == 1
        course.open()
        hall.apply(transitions.STOP)
        course.state("over")
        # Another site shows nothing, and what is not open to all leads to its page.
        course.open(ELSEWHERE)
        eventually(lambda: not visit(lambda page: frame_of(page).url).startswith(web.url), "a refusal")
        Event.objects.filter(pk=hall.event.pk).update(is_restricted=True)
        course.open()
        course.see(".embed-closed a")
        assert "réservé aux personnes authentifiées" in course.text(".embed-closed")
        found += visit(lambda page: axe_violations(frame_of(page)))
    assert found == []
