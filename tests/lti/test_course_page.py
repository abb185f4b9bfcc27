"""From a course of a learning platform to a playing picture, in a real browser that blocks cookies of other sites in frames."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import Page

from amphi.accounts.models import Identity
from amphi.audience.models import Broadcaster
from amphi.lti.models import Course, Link
from amphi.webinars import transitions
from tests.audience import web_process
from tests.browser import axe_violations
from tests.live.conftest import audience_chromium, hall  # noqa: F401 -- fixtures
from tests.live.pictures import origin, publishing, wait_for
from tests.live.test_embed_page import PLAYING, frame_of
from tests.live.visits import Visit, visiting
from tests.lti.courses import register
from tests.lti.platform import Moodle
from tests.waiting import wait_for as eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATIENCE_MS = 60_000


def block_cookies(page: Page) -> None:
    """Block cookies of other sites in frames."""
    page.context.clear_cookies()
    page.context.new_cdp_session(page).send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )


def in_frame(visit: Visit, selector: str) -> None:
    visit(lambda page: page.frame_locator("iframe").locator(selector).first.wait_for(timeout=PATIENCE_MS))


def test_from_the_course_to_the_picture(hall, audience_chromium, tmp_path, free_port, serve):  # noqa: F811
    tool = f"http://127.0.0.1:{free_port}"
    # Another site than 127.0.0.1, of the same machine.
    moodle = Moodle(serve, tool, host="localhost")
    platform = register(moodle)
    course = Course.objects.create(
        platform=platform,
        context_id="17",
        title="Physique",
        group=hall.livestream.event.access_groups.create(code_name="c", display_name="Physique"),
    )
    Link.objects.create(course=course, meeting=hall.livestream.meeting, resource_link_id="42")
    type(hall.event).objects.filter(pk=hall.event.pk).update(is_restricted=True)
    with (
        web_process.running(free_port, tmp_path) as web,
        origin(tmp_path) as (rtmp, http),
        visiting(audience_chromium, web.url + "/healthz") as visit,
        ExitStack() as live,
    ):
        Broadcaster.objects.update(hls_url=f"http://{http}/hls/hall.m3u8")
        wait_for(f"http://{http}/hls/hall.m3u8", 404)
        live.enter_context(publishing(rtmp))
        visit(block_cookies)
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        visit(lambda page: page.goto(f"{moodle.issuer}/mod/lti/view.php?id=42"))
        in_frame(visit, "#watch")
        visit(lambda page: page.frame_locator("iframe").locator("#watch").click())
        in_frame(visit, PLAYING)
        # Its one cookie is of that site's frames: Chromium keeps it, and blocks all others there.
        (kept,) = visit(lambda page: page.context.cookies(tool + "/lti/"))
        assert (kept["name"], kept["partitionKey"]) == ("amphi_lti", "http://localhost")
        assert visit(lambda page: axe_violations(frame_of(page))) == []
        visit(lambda page: page.screenshot(path=str(tmp_path / "course.png")))

        # Into a tab of one's own, where the person logs in with a look at who they are.
        def open_tab(page: Page) -> str:
            with page.context.expect_page() as opened:
                page.frame_locator("iframe").locator('button[value="live"]').click()
            tab = opened.value
            tab.get_by_role("button", name="Continuer en tant que Zoé Martin").click()
            tab.wait_for_selector("#chat-text")
            found = tab.url
            tab.close()
            return found

        assert visit(open_tab) == tool + hall.path
        # A teacher chooses a webinar, and the frame brings the answer back to the course (Deep Linking 2.0, section 4.5).
        hall.livestream.meeting.additional_owners.add(Identity.objects.get().user)
        moodle.asks_for_content = True
        visit(lambda page: page.reload())
        in_frame(visit, 'button[name="meeting"]')
        assert visit(lambda page: axe_violations(frame_of(page))) == []
        visit(lambda page: page.frame_locator("iframe").locator('button[name="meeting"]').click())
        eventually(
            lambda: any(
                one.path.endswith("contentitem_return.php") and b"JWT=" in one.body
                for one in moodle.server.requests
            ),
            "the answer",
        )
        hall.livestream.meeting.additional_owners.clear()
        moodle.asks_for_content = False
        # The right is withdrawn: the picture ends there as anywhere.
        hall.event.access_groups.clear()
        hall.event.access_groups.add(
            course.group.__class__.objects.create(code_name="d", display_name="Chimie")
        )
        visit(lambda page: page.reload())
        in_frame(visit, ".embed-closed")
