"""A real Chromium for tests of pages.

Playwright's synchronous interface runs an event loop in the thread that uses it, which neither Django's database nor other
tests' event loops bear: it has a thread of its own here.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from amphi.system.vendor import library
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

TIMEOUT_MS = 60_000


class Chromium:
    """One browser, driven from a thread of its own."""

    def __init__(self, pool: ThreadPoolExecutor, browser: Browser) -> None:
        self._pool = pool
        self._browser = browser

    @contextmanager
    def visitor(self, **options: Any) -> Iterator[Callable[[Callable[[BrowserContext], Any]], Any]]:
        """A fresh context until the block is left: what is given calls a function with it, in the browser's thread."""
        context = self._pool.submit(self._browser.new_context, **options).result()
        context.set_default_timeout(TIMEOUT_MS)
        try:
            yield lambda step: self._pool.submit(step, context).result()
        finally:
            self._pool.submit(context.close).result()

    def run(self, visit: Callable[[BrowserContext], Any], **options: Any) -> Any:
        """Call `visit` with a fresh context, in the browser's thread, and give what it returns."""
        with self.visitor(**options) as step:
            return step(visit)


@contextmanager
def running(*arguments: str) -> Iterator[Chromium]:
    """A browser that runs until the block is left, with more of Chromium's arguments if wanted."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="chromium") as pool:
        playwright = pool.submit(lambda: sync_playwright().start()).result()
        try:
            browser = pool.submit(
                playwright.chromium.launch, executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, *arguments]
            ).result()
            try:
                yield Chromium(pool, browser)
            finally:
                pool.submit(browser.close).result()
        finally:
            pool.submit(playwright.stop).result()


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, one line each."""
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(Path(library("axe-core/axe.min.js")).read_text(encoding="utf-8"))
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
