"""The live page in a real browser, on a real web process and a real origin."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from amphi.accounts.models import User
from amphi.audience import domain
from amphi.live.models import Broadcaster, Event
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
from tests.browser import axe_violations
from tests.factories import in_hours, make_gateway, make_user, make_webinar

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_S = 30.0

CLIP = (
    "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=440:r=48000 -c:v libx264 -preset ultrafast -profile:v baseline"
    " -g 25 -pix_fmt yuv420p -c:a aac -ac 2 -f flv"
).split()


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


@pytest.fixture
def hall(settings) -> Hall:
    settings.USE_MEETING_WEBINAR = True
    presenter = make_user("marie", first_name="Marie", last_name="Curie")
    listener = make_user("hugo", first_name="Hugo", last_name="Bernard", affiliation="student")
    gateway = make_gateway("hall", hls_url="http://127.0.0.1:9/hls/hall.m3u8")
    livestream = make_webinar(
        presenter,
        gateway=gateway,
        name="La radioactivité",
        description="Cours de L3.",
        start_at=in_hours(0.5),
    )
    return Hall(livestream, presenter, listener)


def log_in(context: BrowserContext, url: str, session: str, language: str = "fr") -> None:
    cookies = {django_settings.SESSION_COOKIE_NAME: session, django_settings.LANGUAGE_COOKIE_NAME: language}
    context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies.items() if value]
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

    def __call__(self, what: Callable[[Page], object]) -> object:
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
        return self(lambda page: page.locator(".chat-message .chat-text").all_inner_texts())  # type: ignore[return-value]


@contextmanager
def visiting(chromium, url: str, session: str = "", language: str = "fr", **options) -> Iterator[Visit]:
    """Open `url` in a context of its own until the block is left."""

    def call(what: Callable[[], object]) -> object:
        return chromium._pool.submit(what).result()

    context = call(lambda: chromium._browser.new_context(locale=language, **options))
    errors: list[str] = []

    def open_page() -> Page:
        context.set_default_timeout(PATIENCE_S * 1000)
        log_in(context, url, session, language)
        page = context.new_page()
        page.add_init_script(REFUSES_SOUND)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    try:
        yield Visit(call, call(open_page))
        assert errors == []
    finally:
        call(context.close)


def test_page_follows_the_live_from_before_to_after(hall, web, audience_chromium):
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.state("waiting")
        assert "Le direct n’a pas encore commencé" in visit.text("#stage-panel")
        assert "dans" in visit.text("#countdown")
        for event, state, words in (
            (transitions.GO_LIVE, "starting", "Le direct démarre"),
            (transitions.MEDIA_SEEN, "live", "Connexion au direct"),
            (transitions.MEDIA_LOST, "recovering", "Retour dans un instant"),
            (transitions.MEDIA_SEEN, "live", "Connexion au direct"),
            (transitions.STOP, "over", "Le direct est terminé"),
        ):
            hall.apply(event)
            visit.state(state)
            assert words in visit.text("#stage-panel")
            assert words in visit.text("#stage-status")
        hall.apply(transitions.GATEWAY_IDLE, transitions.GO_LIVE)
        visit.state("starting")


def test_chat_goes_both_ways(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    hall.say("Bonjour à tous")
    url = web.url + hall.path
    with (
        visiting(audience_chromium, url, session_of(hall.listener)) as writer,
        visiting(audience_chromium, url) as reader,
    ):
        for visit in (writer, reader):
            visit.state("live")
            assert visit.messages() == ["Bonjour à tous"]
        writer(lambda page: page.fill("#chat-text", "Merci <b>Marie</b>"))
        writer(lambda page: page.press("#chat-text", "Enter"))
        writer(lambda page: page.wait_for_selector("#chat-status:not(:empty)", state="attached"))
        assert writer(lambda page: page.text_content("#chat-status")) == "Message envoyé"
        hall.say("Une question ?", 2)
        for visit in (writer, reader):
            visit(lambda page: page.wait_for_selector(".chat-message:nth-of-type(3)"))
            assert visit.messages() == ["Bonjour à tous", "Merci <b>Marie</b>", "Une question ?"]
            assert visit(lambda page: page.locator(".chat-badge").count()) == 2
        assert "Vous devez être authentifié" in reader.text(".chat-foot")


def test_refused_message_stays_in_the_box(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    with visiting(audience_chromium, web.url + hall.path, session_of(hall.listener)) as visit:
        visit.state("live")
        for number in range(10):
            domain.write_message(hall.event, user=hall.listener, text=f"message {number}")
        visit(lambda page: page.fill("#chat-text", "encore un"))
        visit(lambda page: page.click("#chat-send"))
        visit.see("#chat-error:not(:empty)")
        assert "trop vite" in visit.text("#chat-error")
        assert visit(lambda page: page.input_value("#chat-text")) == "encore un"


def test_presenter_opens_and_closes_the_chat(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    with visiting(audience_chromium, web.url + hall.path, session_of(hall.listener)) as visit:
        visit.see("#chat-form")
        for enabled in (False, True):
            event = hall.event
            event.enable_chat = enabled
            event.save()
            domain.publish_chat_setting(event)
            if enabled:
                visit.see("#chat-form")
            else:
                visit.gone("#chat-form")
                assert "Le chat est fermé" in visit.text(".chat-foot")


def test_page_comes_back_after_the_server_was_away(hall, audience_chromium, tmp_path, free_port):
    from tests.audience import web_process  # noqa: PLC0415 -- only this test starts its own

    hall.apply(transitions.GO_LIVE)
    with web_process.running(free_port, tmp_path) as first:
        url = first.url + hall.path
        with visiting(audience_chromium, url) as visit:
            visit.state("starting")
            first.stop()
            hall.apply(transitions.MEDIA_SEEN)
            hall.say("pendant l’absence")
            with web_process.running(free_port, tmp_path):
                visit.state("live")
                visit.see(".chat-message")
                assert visit.messages() == ["pendant l’absence"]


def test_chat_can_be_hidden(hall, web, audience_chromium):
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.see("#chat")
        visit(lambda page: page.focus("#chat-toggle"))
        visit(lambda page: page.keyboard.press("Enter"))
        visit.gone("#chat")
        assert visit(lambda page: page.get_attribute("#chat-toggle", "aria-expanded")) == "false"
        visit(lambda page: page.keyboard.press("Enter"))
        visit.see("#chat")


# --- accessibility

LOOKS = [({"width": 1280, "height": 800}, "light"), ({"width": 320, "height": 640}, "dark")]


def faults(visit: Visit, name: str) -> list[str]:
    found: list[str] = []
    for size, scheme in LOOKS:

        def dress(page: Page, size=size, scheme=scheme) -> None:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_function(
                "scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme
            )

        visit(dress)
        found += [f"{name} {size['width']} {scheme}: {line}" for line in visit(axe_violations)]
        overflow = visit(
            lambda page: page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )
        if overflow > 0:
            found.append(f"{name}: {overflow} px wider than {size['width']}")
    return found


def test_pages_are_accessible(hall, web, audience_chromium):
    session, found = session_of(hall.listener), []
    make_webinar(
        hall.presenter, gateway=make_gateway(), name="Autre direct", is_restricted=True, start_at=in_hours(30)
    )
    with visiting(audience_chromium, web.url + hall.path, session) as visit:
        visit.state("waiting")
        found += faults(visit, "waiting")
        hall.apply(transitions.GO_LIVE)
        visit.state("starting")
        found += faults(visit, "starting")
        hall.apply(transitions.MEDIA_SEEN)
        hall.say("Bonjour")
        domain.write_message(hall.event, user=hall.listener, text="Merci")
        visit.see(".chat-message:nth-of-type(2)")
        found += faults(visit, "live")
        visit(lambda page: page.goto(web.url + "/"))
        found += faults(visit, "list")
        visit(lambda page: page.goto(web.url + "/?q=zzz"))
        found += faults(visit, "nothing found")
    hall.apply(transitions.STOP)
    with visiting(audience_chromium, web.url + hall.path, language="en") as visit:
        visit.state("over")
        found += faults(visit, "over")
    assert found == []


# --- the picture


@contextmanager
def origin(folder: Path) -> Iterator[tuple[str, str]]:
    """Our origin as a process; its RTMP and HTTP addresses."""
    with socket.socket() as one, socket.socket() as two:
        for listener in (one, two):
            listener.bind(("127.0.0.1", 0))
        rtmp, http = (f"127.0.0.1:{listener.getsockname()[1]}" for listener in (one, two))
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "origin", "--rtmp", rtmp, "--http", http, "--open"], cwd=folder
    )
    try:
        yield rtmp, http
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextmanager
def publishing(rtmp: str) -> Iterator[None]:
    """ffmpeg sends a moving picture and a tone as the stream "hall"."""
    process = subprocess.Popen(["ffmpeg", "-v", "error", "-re", *CLIP, f"rtmp://{rtmp}/live/hall"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def wait_for(url: str, status: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=PATIENCE_S, verify=False).status_code == status:  # noqa: S501 -- plain HTTP
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} does not answer {status}")


def test_page_plays_by_itself_and_stops_at_once(hall, web, audience_chromium, tmp_path):
    playing = 'video[data-playing="true"]'
    with origin(tmp_path) as (rtmp, http):
        hls = f"http://{http}/hls/hall.m3u8"
        Broadcaster.objects.update(hls_url=hls)
        wait_for(hls, 404)
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        with visiting(audience_chromium, web.url + hall.path) as visit:
            visit.state("live")
            # The page is there before the picture: it tries until it comes.
            with publishing(rtmp):
                visit.see(playing)
                visit.gone("#stage-panel")
                visit.see("#sound")
                visit(lambda page: page.click("#sound"))
                assert visit(lambda page: page.evaluate("document.getElementById('video').muted")) is False
                visit.gone("#sound")
                visit(
                    lambda page: page.wait_for_function(
                        # A function: the page's policy forbids texts that are evaluated again and again.
                        "() => document.getElementById('video').dataset.latency < 4"
                    )
                )
                found = visit(axe_violations)
            # The publisher is gone and comes back: so does the picture.
            hall.apply(transitions.MEDIA_LOST)
            visit.state("recovering")
            visit(lambda page: page.wait_for_selector(playing, state="detached"))
            visit.see("#stage-panel")
            with publishing(rtmp):
                hall.apply(transitions.MEDIA_SEEN)
                visit.see(playing)
                hall.apply(transitions.STOP)
                visit.state("over")
                assert visit(lambda page: page.evaluate("document.getElementById('video').paused")) is True
                assert visit(lambda page: page.locator(playing).count()) == 0
        assert found == []
