"""Visits of the bot to pages that stand in for BigBlueButton's client, all in one real Chromium."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Error, async_playwright

from amphi.gateway import meeting_page
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

from .client_stand_in import ClientServer

PATIENCE_S = 60
LOOK_EVERY_S = 0.05
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
LATER = "(ms) => { const now = performance.now.bind(performance); performance.now = () => now() + ms; }"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def context():
    """The one browser, as the gateway sets up its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*CHROMIUM_ARGUMENTS, AUTOPLAY],
            ignore_default_args=["--mute-audio"],
        )
        yield await browser.new_context(viewport={"width": 1280, "height": 720}, locale="fr-FR")
        await browser.close()


class Visit:
    """One visit of the bot: its page, the server behind it, and what was seen on the way."""

    def __init__(self, page, client):
        self.page = page
        self.client = client
        self.seen = []
        self.layout = None

    @classmethod
    async def begin(cls, context, era, **scene):
        """Open the client of an era as the gateway does."""
        page = await context.new_page()
        await page.add_init_script(meeting_page.script())
        visit = cls(page, ClientServer(era, **scene))
        await page.goto(visit.client.join_url, wait_until="commit")
        return visit

    async def end(self):
        await self.page.close()
        self.client.close()

    async def look(self):
        try:
            seen = await meeting_page.observe(
                self.page, any_page=False, classroom=False, name="streaming", layout=self.layout
            )
        except Error:  # the page is being left for another
            seen = meeting_page.Observation()
        if not self.seen or self.seen[-1] != seen:
            self.seen.append(seen)
        return seen

    async def until(self, condition, *, within_s=PATIENCE_S):
        """Look until what is seen is as wanted; returns that.

        The time is counted in looks: the page answers them between its own work, so that a slow page has longer.
        """
        for _ in range(round(within_s / LOOK_EVERY_S)):
            seen = await self.look()
            if condition(seen):
                return seen
            await asyncio.sleep(LOOK_EVERY_S)
        pytest.fail(f"not within {within_s} s; seen: {self.seen}; said: {self.client.said}")

    async def until_state(self, state, *, within_s=PATIENCE_S, **wanted):
        return await self.until(
            lambda seen: (
                seen.state == state and all(getattr(seen, name) == value for name, value in wanted.items())
            ),
            within_s=within_s,
        )

    async def until_said(self, name, *values):
        """Wait until the page has told these of `name`, and nothing else."""
        return await self.until(lambda _: self.client.heard(name) == list(values))

    async def show(self, **scene):
        """Have the client in another state, at once."""
        self.client.change(**scene)
        await self.page.wait_for_function("() => typeof show === 'function'")
        await self.page.evaluate("(scene) => show(scene)", self.client.scene)

    async def later(self, ms):
        """Have time pass for the page."""
        await self.page.evaluate(LATER, ms)

    async def is_filmed(self, selector):
        """Whether an element is in the picture."""
        script = (
            "(name) => { const found = document.querySelector(name); "
            "return Boolean(found?.getClientRects().length) && getComputedStyle(found).visibility !== 'hidden' }"
        )
        return await self.page.evaluate(script, selector)

    @property
    def steps(self):
        return [seen.detail for seen in self.seen]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(context):
    """Opens the client of an era as the gateway does."""
    visits = []

    async def begin(era, **scene):
        visits.append(await Visit.begin(context, era, **scene))
        return visits[-1]

    yield begin
    for each in visits:
        await each.end()
