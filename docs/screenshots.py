"""Makes docs/images/: a demo of its own, a presenter, two listeners, and pictures of what they see.

make screenshots
.venv/bin/python docs/screenshots.py [FOLDER]
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).parent
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
START_S = 120
STEP_MS = 60_000
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


def free_base_port() -> int:
    """A port after which four more are free."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            base = int(first.getsockname()[1])
            for offset in range(1, 5):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            return base


@contextlib.contextmanager
def demo(var: Path) -> Iterator[str]:
    """A demo on free ports; its address."""
    port = free_base_port()
    command = [sys.executable, "-m", "amphi", "demo", "--port", str(port), "--var", str(var)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    ) as run:
        try:
            for line in run.stdout or ():
                if "Ctrl-C stops everything" in line:
                    break
            else:
                sys.exit(f"The demo did not start; see {var / 'log'}")
            yield f"http://127.0.0.1:{port}"
        finally:
            run.terminate()


@dataclass
class Shoot:
    """The people, their windows and the pictures."""

    browser: Browser
    url: str
    passwords: dict[str, str]
    folder: Path
    states: dict[str, str] = field(default_factory=dict)

    def log_in(self, *usernames: str) -> None:
        for username in usernames:
            context = self.browser.new_context(locale="fr-FR", timezone_id="Europe/Paris", **DESKTOP)
            page = context.new_page()
            page.goto(f"{self.url}/accounts/login/")
            page.fill("[name=username]", username)
            page.fill("[name=password]", self.passwords[username])
            page.press("[name=password]", "Enter")
            page.wait_for_url(lambda url: "/login/" not in url)
            self.states[username] = json.dumps(context.storage_state())
            context.close()

    def window(
        self, username: str, size: dict, *, locale: str = "fr-FR", scheme: str = "light"
    ) -> BrowserContext:
        state = json.loads(self.states[username])
        context = self.browser.new_context(
            locale=locale, timezone_id="Europe/Paris", storage_state=state, color_scheme=scheme, **size
        )
        context.set_default_timeout(STEP_MS)
        return context

    def save(self, page: Page, name: str) -> None:
        """A picture of the window, packed as tightly as PNG allows without loss."""
        page.wait_for_timeout(400)  # fonts and transitions
        with tempfile.TemporaryDirectory() as folder:
            raw, packed = Path(folder) / "raw.png", Path(folder) / "packed.png"
            page.screenshot(path=raw)
            subprocess.run(
                [
                    "ffmpeg",
                    "-loglevel",
                    "error",
                    "-i",
                    raw,
                    "-compression_level",
                    "100",
                    "-pred",
                    "mixed",
                    packed,
                ],
                check=True,
            )
            smaller = min((raw, packed), key=lambda file: file.stat().st_size)
            shutil.copyfile(smaller, self.folder / f"{name}.png")
        sys.stdout.write(f"{name}.png\n")

    def everywhere(
        self, username: str, path: str, name: str, *, extra: tuple[str, ...] = (), ready: str = ""
    ) -> None:
        """Pictures of one page on desktop and phone, and in the dark or in English as `extra` says."""
        kinds = [("desktop", DESKTOP, {}), ("phone", PHONE, {})]
        if "dark" in extra:
            kinds.append(("desktop-dark", DESKTOP, {"scheme": "dark"}))
        if "phone-dark" in extra:
            kinds.append(("phone-dark", PHONE, {"scheme": "dark"}))
        if "en" in extra:
            kinds.append(("desktop-en", DESKTOP, {"locale": "en-GB"}))
        for kind, size, options in kinds:
            context = self.window(username, size, **options)
            page = context.new_page()
            page.goto(self.url + path)
            page.wait_for_load_state("load")
            if ready:
                wait(page, ready)
            self.save(page, f"{name}-{kind}")
            context.close()


def wait(page: Page, condition: str) -> None:
    """Wait for a JavaScript condition; from outside, since the pages' security policy forbids evaluating inside them."""
    deadline = time.monotonic() + STEP_MS / 1000
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > deadline:
            sys.exit(f"{page.url}: {condition} did not come true")
        page.wait_for_timeout(100)


def make_slides(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto((HERE / "screenshots_slides.html").as_uri())
    page.pdf(path=file, width="1280px", height="720px", print_background=True, page_ranges="1")
    page.close()


def present(shoot: Shoot, path: str, slides: Path) -> tuple[BrowserContext, Page]:
    """Start the webinar as its presenter, with camera, microphone and slides."""
    context = shoot.window("camille", {"viewport": {"width": 1280, "height": 800}})
    context.grant_permissions(["camera", "microphone"])
    context.add_init_script((HERE / "screenshots_camera.js").read_text(encoding="utf-8"))
    page = context.new_page()
    page.goto(shoot.url + path)
    page.click('[data-offer="start"] button')
    page.wait_for_url(lambda url: not url.startswith(shoot.url))
    wait(page, 'document.documentElement.dataset.meetingState === "joined"')
    page.click("#join-microphone")
    page.click("#camera-button")
    page.set_input_files("#upload-file", slides)
    page.wait_for_selector("#slide:not([hidden])")
    return context, page


def talk(shoot: Shoot, live_path: str, classroom: Page) -> BrowserContext:
    """A few words both ways; the listener's window stays open."""
    context = shoot.window("lea", DESKTOP)
    page = context.new_page()
    page.goto(shoot.url + live_path)
    wait(page, 'document.querySelector("#stage").dataset.picture === "yes"')

    def say(window: Page, box: str, words: str) -> None:
        wait(window, f"!document.querySelector('{box}').disabled")
        window.fill(box, words)
        window.click("#chat-send")
        wait(page, f"document.body.textContent.includes({json.dumps(words)})")
        wait(classroom, f"document.body.textContent.includes({json.dumps(words)})")

    say(page, "#chat-text", "Bonjour\u202f! Le son et l’image sont parfaits.")
    say(classroom, "#chat-input", "Bonjour et bienvenue à toutes et à tous.")
    say(page, "#chat-text", "Pourquoi le violet est-il plus dévié que le rouge\u202f?")
    say(classroom, "#chat-input", "Parce que l’indice du verre croît quand la longueur d’onde diminue.")
    return context


def converse(shoot: Shoot, live: str, page: Page) -> None:
    """Questions of a listener, on `page`, and a poll of the presenter with an answer."""
    page.click("#tab-questions")
    for words in ("Un arc-en-ciel a-t-il deux bouts\u202f?", "Les lasers blancs existent-ils\u202f?"):
        page.fill("#question-text", words)
        page.click("#question-form button[type=submit]")
        page.locator(".question", has_text=words).wait_for()
        page.locator("#question-form button[type=submit]:not([aria-busy])").wait_for()
    with contextlib.closing(shoot.window("camille", DESKTOP)) as context:
        desk = context.new_page()
        desk.goto(f"{shoot.url}{live}desk/")
        desk.fill("[name=question]", "Avez-vous déjà manipulé un prisme\u202f?")
        desk.fill("[name=choices]", "Oui, en cours\nOui, par curiosité\nPas encore")
        desk.click("button[name=open]")
        desk.locator("button[value=close]").first.wait_for()
    page.click("#tab-polls")
    page.locator("#polls label").first.click()
    page.locator("#polls button[type=submit]").first.click()


def shoot_hall(shoot: Shoot, panel: str, live: str, page: Page) -> None:
    """The conversation's tabs as a listener has them, and the presenters' pages."""
    converse(shoot, live, page)
    picture = 'document.querySelector("#stage").dataset.picture === "yes"'
    for tab in ("questions", "polls"):
        for kind, size, scheme in (("desktop", DESKTOP, "light"), ("phone", PHONE, "dark")):
            with contextlib.closing(shoot.window("lea", size, scheme=scheme)) as context:
                window = context.new_page()
                window.goto(shoot.url + live)
                wait(window, picture)
                window.click(f"#tab-{tab}")
                shoot.save(window, f"live-{tab}-{kind}")
    webinar = panel.replace("/meetings/", "/webinars/")
    shoot.everywhere("camille", f"{live}desk/", "desk", extra=("dark",))
    shoot.everywhere("camille", f"{webinar}options/", "options")
    shoot.everywhere("camille", f"{webinar}registrations/", "registrations")
    shoot.everywhere("camille", f"{webinar}audience/", "attendance")


def shoot_player(shoot: Shoot, live: str) -> None:
    """The player as another site shows it, and its sound only on a phone."""
    picture = 'document.querySelector("#stage").dataset.picture === "yes"'
    with contextlib.closing(shoot.window("lea", {"viewport": {"width": 760, "height": 470}})) as context:
        page = context.new_page()
        page.goto(shoot.url + live.replace("/live/", "/embed/"))
        page.click("#watch")
        wait(page, picture)
        page.mouse.move(300, 300)
        shoot.save(page, "live-embedded")
    with contextlib.closing(shoot.window("lea", PHONE)) as context:
        page = context.new_page()
        page.goto(shoot.url + live)
        wait(page, picture)
        page.select_option("#quality", "sound")
        wait(page, f'{picture} && document.querySelector("#stage").dataset.sound === "alone"')
        shoot.save(page, "live-sound-phone")


def shoot_replay(shoot: Shoot, panel: str, live: str) -> None:
    """The live once it is over, as its presenter sees it again, and where they choose who else does."""
    ready = 'document.querySelector("video").readyState > 1'
    for kind, size, scheme in (("desktop", DESKTOP, "light"), ("phone", PHONE, "dark")):
        with contextlib.closing(shoot.window("camille", size, scheme=scheme)) as context:
            page = context.new_page()
            page.goto(f"{shoot.url}{live}replay/")  # leads to the latest
            page.goto(f"{page.url}?t=30")
            wait(page, ready)
            shoot.save(page, f"replay-{kind}")
    shoot.everywhere(
        "camille", panel.replace("/meetings/", "/webinars/") + "replays/", "replays", ready=ready
    )


def _newest(mails: Path, known: set[Path]) -> bytes:
    """What is written so far of a mail that is not one of these; nothing before it is begun."""
    return next((file.read_bytes() for file in mails.glob("*.log") if file not in known), b"")


def shoot_mails(shoot: Shoot, panel: str, mails: Path) -> None:
    """An invitation as it is sent: its HTML and its text, in French and in English."""
    for language, locale in (("fr", "fr-FR"), ("en", "en-GB")):
        known = set(mails.glob("*.log"))
        with contextlib.closing(shoot.window("camille", DESKTOP, locale=locale)) as context:
            page = context.new_page()
            page.goto(f"{shoot.url}{panel}invite/")
            page.fill("[name=addresses]", f"lea.{language}@demo.invalid")
            page.select_option("select[name=language]", language)
            page.click("button[value=preview]")
            page.click("button[value=send]")
            # Its end is written after it: a line of dashes.
            while not (mail := _newest(mails, known)).endswith(b"-\n"):
                page.wait_for_timeout(200)
            found = message_from_bytes(mail.rstrip(b"-\n") + b"--\n", policy=policy.default)
            page.set_viewport_size({"width": 760, "height": 760})
            page.goto("about:blank")  # the platform's pages let nobody write them anew
            for kind in ("html", "plain"):
                body = str(found.get_body((kind,)).get_content())
                style = "font:15px/1.5 monospace;white-space:pre-wrap;margin:2rem"
                page.set_content(body if kind == "html" else f'<pre style="{style}">{escape(body)}</pre>')
                shoot.save(page, f"mail-{language}-{'html' if kind == 'html' else 'text'}")


def shoot_all(shoot: Shoot, slides: Path, mails: Path) -> None:
    shoot.log_in("camille", "lea")
    with contextlib.closing(shoot.window("camille", DESKTOP)) as context:
        page = context.new_page()
        page.goto(f"{shoot.url}/meetings/")
        link = page.locator("a[href^='/meetings/']", has_text="Conférence inaugurale").first
        panel = str(link.get_attribute("href"))
        page.goto(shoot.url + panel)
        live = str(page.locator("a[href^='/live/']").first.get_attribute("href"))

    shoot.everywhere("camille", "/meetings/", "list", extra=("dark",))
    shoot.everywhere("camille", "/meetings/add/?webinar=1", "form")
    shoot.everywhere("lea", "/", "directs", extra=("dark", "en"))
    shoot.everywhere("camille", "/webinars/explained/", "explained")
    shoot_mails(shoot, panel, mails)
    waiting = 'document.documentElement.dataset.liveState === "waiting"'
    shoot.everywhere("lea", live, "live-before", extra=("dark",), ready=waiting)

    presenting, classroom = present(shoot, panel, slides)
    listening = talk(shoot, live, classroom)
    shoot.save(classroom, "classroom-desktop")
    classroom.emulate_media(color_scheme="dark")
    shoot.save(classroom, "classroom-desktop-dark")
    classroom.emulate_media(color_scheme="light")
    classroom.click("#panel-close")
    classroom.set_viewport_size({"width": 390, "height": 844})
    shoot.save(classroom, "classroom-phone")
    classroom.set_viewport_size({"width": 1280, "height": 800})
    classroom.wait_for_timeout(4000)  # until the stream shows the large classroom's picture only
    picture = 'document.querySelector("#stage").dataset.picture === "yes"'
    shoot.everywhere("lea", live, "live-during", extra=("dark", "phone-dark", "en"), ready=picture)
    shoot.everywhere("lea", "/", "directs-live")
    shoot_player(shoot, live)
    shoot.everywhere("camille", panel, "panel", extra=("dark",))
    shoot_hall(shoot, panel, live, listening.pages[0])
    classroom.click("#end-button")
    over = 'document.documentElement.dataset.liveState === "over"'
    shoot.everywhere("lea", live, "live-after", ready=over)
    shoot_replay(shoot, panel, live)
    listening.close()
    presenting.close()


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="amphi-screenshots-") as temporary:
        var = Path(temporary) / "var"
        with demo(var) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            slides = Path(temporary) / "lumiere.pdf"
            make_slides(browser, slides)
            passwords = json.loads((var / "secrets.json").read_text(encoding="utf-8"))["passwords"]
            shoot_all(Shoot(browser, url, passwords, folder), slides, var / "mail")
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
