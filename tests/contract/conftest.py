"""A page that plays a stream, in a real Chromium."""

import functools
import http.server
import threading

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.contract.player_page import Pages


@pytest.fixture
def page_url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player_browser():
    arguments = [*CHROMIUM_ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(player_browser):
    """Opens an address, as somebody else each time."""
    contexts = []

    async def opened(url: str, *, before: str = ""):
        contexts.append(await player_browser.new_context())
        page = await contexts[-1].new_page()
        if before:
            await page.add_init_script(before)
        await page.goto(url)
        return page

    yield opened
    for context in contexts:
        await context.close()
