"""A webinar, and its live page as it is open in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from amphi.accounts.models import User
from amphi.audience import domain
from amphi.audience.models import Event
from amphi.webinars import transitions
from amphi.webinars.models import Livestream

PATIENCE_S = 60.0

# What browsers do before a press; the driver's own calls count as one, so that here they would not.
REFUSES_SOUND = """
  const play = HTMLMediaElement.prototype.play;
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; }, true);
  HTMLMediaElement.prototype.play = function () {
    if (!pressed && !this.muted) return Promise.reject(new DOMException("not allowed", "NotAllowedError"));
    return play.call(this);
  };
"""


@dataclass
class Hall:
    """A webinar with what a listener and its presenter do to it."""

    livestream: Livestream
    presenter: User
    listener: User

    @property
    def event(self) -> Event:
        return Event.objects.get(pk=self.livestream.event_id)

    @property
    def path(self) -> str:
        return f"/live/{self.livestream.event.slug}/"

    def apply(self, *events: str) -> None:
        for event in events:
            self.livestream.refresh_from_db()
            assert transitions.apply(self.livestream, event, user=self.presenter)

    def say(self, text: str, number: int = 1) -> None:
        domain.record_meeting_message(
            self.event,
            meeting_message_id=f"m{number}",
            author_name="Marie Curie",
            text=text,
            sent_at=timezone.now(),
        )


def log_in(context: BrowserContext, url: str, session: str, language: str = "fr") -> None:
    cookies = {django_settings.SESSION_COOKIE_NAME: session, django_settings.LANGUAGE_COOKIE_NAME: language}
    context.add_cookies(
        # For the whole site, not for the folder of the first page.
        [{"name": name, "value": value, "url": urljoin(url, "/")} for name, value in cookies.items() if value]
    )


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


class Visit:
    """A page that is open in the browser's thread, driven from the test's."""

    def __init__(self, call: Callable[[Callable[[], object]], object], page: Page) -> None:
        self._call = call
        self.page = page

    def __call__(self, what: Callable[[Page], Any]) -> Any:
        return self._call(lambda: what(self.page))

    def state(self, wanted: str) -> None:
        self(lambda page: page.wait_for_selector(f'html[data-live-state="{wanted}"]', state="attached"))

    def see(self, selector: str) -> None:
        self(lambda page: page.wait_for_selector(selector))

    def gone(self, selector: str) -> None:
        self(lambda page: page.wait_for_selector(selector, state="hidden"))

    def text(self, selector: str) -> str:
        return str(self(lambda page: page.inner_text(selector)))

    def messages(self) -> list[str]:
        return self(lambda page: page.locator(".chat-message .chat-text").all_inner_texts())


@contextmanager
def visiting(
    chromium, url: str, session: str = "", language: str = "fr", *, script: str = "", **options
) -> Iterator[Visit]:
    """Open `url` in a context of its own until the block is left; `script` runs before the page's."""

    def call(what: Callable[[], object]) -> object:
        return chromium._pool.submit(what).result()

    context = call(lambda: chromium.context(locale=language, **options))
    errors: list[str] = []

    def open_page() -> Page:
        log_in(context, url, session, language)
        page = context.new_page()
        page.add_init_script(REFUSES_SOUND)
        page.add_init_script(script)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    try:
        yield Visit(call, call(open_page))
        assert errors == []
    finally:
        call(context.close)
