"""Several tabs of one browser, and a stream that falls silent, on a real web process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page

from amphi.audience import domain
from amphi.webinars import transitions
from tests.live.silence import Way, way_to
from tests.live.visits import Hall

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVENTS = b"/events?"
BEYOND_SILENCE_MS = 46_000


@pytest.fixture
def way(web) -> Iterator[Way]:
    with way_to(int(web.url.rpartition(":")[2])) as one:
        yield one


@contextmanager
def browsing(chromium) -> Iterator:
    """Calls a function with one context of the browser, in the browser's thread."""
    with chromium.visitor(locale="fr") as step:
        yield step


def open_tab(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.clock.install()
    page.goto(url, wait_until="domcontentloaded")
    page.wait_for_selector("html[data-live-state]", state="attached")
    return page


def says(page: Page, text: str) -> None:
    page.wait_for_selector(f'.chat-text:text-is("{text}")', state="attached")


def set_chat(hall: Hall, *, enabled: bool) -> None:
    event = hall.event
    event.enable_chat = enabled
    event.save()
    domain.publish_chat_setting(event)


def test_eight_tabs_share_one_stream_and_one_that_is_closed_hands_it_on(hall, way, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    url = way.url + hall.path
    with browsing(audience_chromium) as step:
        tabs = step(lambda context: [open_tab(context, url) for _ in range(8)])
        hall.say("à tous", 1)
        step(lambda _: [says(page, "à tous") for page in tabs])
        way.wait_for(EVENTS, 1)
        step(lambda _: tabs.pop(0).close())
        hall.say("encore", 2)
        step(lambda _: [says(page, "encore") for page in tabs])
        late = step(lambda context: open_tab(context, url))
        hall.say("et au dernier", 3)
        step(lambda _: [says(page, "et au dernier") for page in (*tabs, late)])
        hall.apply(transitions.STOP)
        step(
            lambda _: [
                page.wait_for_selector('html[data-live-state="over"]', state="attached")
                for page in (*tabs, late)
            ]
        )


def test_tab_that_leads_and_falls_silent_is_replaced(hall, way, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    url = way.url + hall.path
    with browsing(audience_chromium) as step:
        tabs = step(lambda context: [open_tab(context, url) for _ in range(2)])
        hall.say("à tous", 1)
        step(lambda _: [says(page, "à tous") for page in tabs])
        assert way.silence(EVENTS) == 1
        hall.say("après le silence", 2)
        # Only the one that does not lead looks, as if the other were frozen.
        step(lambda _: tabs[1].clock.fast_forward(BEYOND_SILENCE_MS))
        step(lambda _: [says(page, "après le silence") for page in tabs])
        way.wait_for(EVENTS, 1)


def test_page_whose_stream_falls_silent_comes_back(hall, way, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    url = way.url + hall.path
    with browsing(audience_chromium) as step:
        page = step(lambda context: open_tab(context, url))
        set_chat(hall, enabled=False)
        step(lambda _: page.wait_for_selector('#chat[data-closed="yes"]', state="attached"))
        assert way.silence(EVENTS) == 1
        set_chat(hall, enabled=True)
        step(lambda _: page.clock.fast_forward(BEYOND_SILENCE_MS))
        step(lambda _: page.wait_for_selector('#chat[data-closed="no"]', state="attached"))


def test_page_loses_the_live_with_its_right(hall, way, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    url = way.url + hall.path
    with browsing(audience_chromium) as step:
        page = step(lambda context: open_tab(context, url))
        event = hall.event
        event.is_restricted = True
        event.save()
        # The web process looks every 15 s, by its own clock.
        step(lambda _: page.wait_for_url("**/accounts/login/**"))
