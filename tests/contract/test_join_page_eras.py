"""The join page, driven as each version of SIPMediaGW does: a real Chromium over HTTPS, into a room of the real classroom."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from amphi.bigbluebutton import Server
from tests import browser, nginx, services
from tests.browser import Chromium, axe_violations

pytestmark = pytest.mark.browser

PATIENCE_S = 60.0
PATIENCE_MS = PATIENCE_S * 1000
SECRET = "a-secret-of-the-tests"
PROXY = """
  server {{
    listen 127.0.0.1:{public} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      proxy_pass http://127.0.0.1:{inner};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }}
  }}
"""
SEED = """
import django, json
django.setup()
from amphi.webinars.starting import start_meeting
from tests.factories import make_gateway, make_webinar
webinars = []
for name, starts in (("Conférence", True), ("Cours", False), ("Séminaire", True)):
    make_gateway()
    meeting = make_webinar(name=name, is_restricted=True).meeting
    if starts:
        start_meeting(meeting, user=meeting.owner)
    key = meeting.access_key
    webinars.append({
        "pk": meeting.pk, "bbb_id": meeting.bbb_id, "short": f"/g/{meeting.room}",
        "long": f"/meeting/{meeting.slug}/{key[:-10]}/{key[-10:]}",
    })
print(json.dumps(webinars))
"""
START = """
import django, sys
django.setup()
from amphi.webinars.starting import start_meeting
from amphi.meetings.models import Meeting
meeting = Meeting.objects.get(pk=sys.argv[1])
start_meeting(meeting, user=meeting.owner)
"""


@dataclass(frozen=True)
class Site:
    url: str
    environment: dict[str, str]
    chromium: Chromium
    server: Server
    running: dict[str, str]
    waiting: dict[str, str]
    of_pod: dict[str, str]
    spki: str


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """The platform and the classroom, each behind HTTPS, with a webinar that runs and one that waits."""
    folder = tmp_path_factory.mktemp("site")
    certificate = nginx.make_certificate(folder)
    web, classroom, public_web, public_classroom = nginx.free_ports(4)
    env = services.environment(
        folder,
        AMPHI_URL=f"https://localhost:{public_web}",
        AMPHI_USE_MEETING_WEBINAR="1",
        # Browsers go where the API's address is, so it is the public one.
        AMPHI_BBB_API_URL=f"https://localhost:{public_classroom}/bigbluebutton",
        AMPHI_BBB_CA_FILE=str(certificate.file),
        AMPHI_BBB_SECRET_KEY=SECRET,
        AMPHI_CLASSROOM_SECRET=SECRET,
        AMPHI_CLASSROOM_URL=f"https://localhost:{public_classroom}",
    )
    pairs = ((public_web, web), (public_classroom, classroom))
    servers = "".join(
        PROXY.format(public=public, inner=inner, certificate=certificate.file, key=certificate.key)
        for public, inner in pairs
    )
    with ExitStack() as stack:
        serve_at = {"classroom": classroom, "web": web}
        services.migrate(env)
        configuration = nginx.frame(folder, http=servers)
        stack.enter_context(nginx.running_nginx(folder, configuration, port=public_web))
        for command, port in serve_at.items():
            listen = f"127.0.0.1:{port}"
            services.serve(stack, env, folder, command, "--http", listen, answers=f"http://{listen}/healthz")
        running, waiting, of_pod = json.loads(services.python(env, "-c", SEED))
        chromium = stack.enter_context(
            browser.running(f"--ignore-certificate-errors-spki-list={certificate.spki}")
        )
        server = Server(f"http://127.0.0.1:{classroom}", SECRET)
        stack.callback(server.close)
        yield Site(
            f"https://localhost:{public_web}",
            env,
            chromium,
            server,
            running,
            waiting,
            of_pod,
            certificate.spki,
        )


# What each era's script does.


def as_of_2024_03(page: Page, url: str) -> None:
    """Versions 1.5 and 1.6, by WebDriver: the cookies' button, then the name, then the form, which a script submits."""
    page.goto(url)
    page.locator("#okcookie").click()
    field = page.locator("#id_name")
    field.press_sequentially("streaming")
    field.evaluate(
        """element => {
          const form = element.closest("form");
          if (form.dispatchEvent(new Event("submit", {bubbles: true, cancelable: true}))) HTMLFormElement.prototype.submit.call(form);
        }"""
    )


def as_of_2024_12(page: Page, url: str) -> None:
    """Version 1.7: the field's name changed."""
    page.goto(url)
    field = page.locator("#joinFormName")
    field.wait_for(state="visible")
    # WebDriver's keys go to the element that is given the focus, whatever lies over it.
    field.focus()
    page.keyboard.type("streaming")
    field.evaluate("element => HTMLFormElement.prototype.submit.call(element.closest('form'))")


def as_of_2026(page: Page, url: str) -> None:
    """Version 1.8: a script in the page sets the value and clicks the first button that submits."""
    page.goto(url)
    page.locator("#joinFormName").wait_for(state="visible", timeout=PATIENCE_MS)
    page.evaluate(
        """name => {
          const field = document.querySelector("#joinFormName");
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, name);
          field.dispatchEvent(new Event("input", {bubbles: true}));
          const button = document.querySelector("button[type='submit']");
          button.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
        }""",
        "streaming",
    )


ERAS = [as_of_2024_03, as_of_2024_12, as_of_2026]


@pytest.mark.parametrize("shape", ["long", "short"])
@pytest.mark.parametrize("era", ERAS)
def test_era(site, era, shape):
    def visit(context: BrowserContext) -> list[str]:
        page = context.new_page()
        era(page, site.url + site.running[shape])
        page.wait_for_url("**sessionToken=**", timeout=PATIENCE_MS, wait_until="commit")
        page.get_by_text("streaming").first.wait_for(state="attached", timeout=PATIENCE_MS)
        return attendees(site, site.running)

    assert ("streaming", "VIEWER") in site.chromium.run(visit)


def test_meeting_that_begins_late_is_entered_by_the_page_itself(site):
    def visit(context: BrowserContext) -> None:
        page = context.new_page()
        as_of_2026(page, site.url + site.waiting["short"])
        page.locator("#waiting").wait_for()
        assert axe_violations(page) == []
        with page.expect_response(lambda answer: answer.request.method == "GET") as looked:
            pass
        assert looked.value.json() == {"running": False}
        services.python(site.environment, "-c", START, str(site.waiting["pk"]))
        page.wait_for_url("**sessionToken=**", timeout=PATIENCE_MS, wait_until="commit")

    site.chromium.run(visit)


def attendees(site: Site, webinar: dict[str, str]) -> list[tuple[str, str]]:
    return [(one.full_name, one.role) for one in site.server.meeting_info(webinar["bbb_id"]).attendees]


def test_our_own_gateway_asked_as_esup_pod_asks(site, tmp_path):
    """``domain`` and ``room`` of the long form, through the API of SIPMediaGW 1.6."""
    [port] = nginx.free_ports(1)
    env = site.environment | {
        "AMPHI_GATEWAY_TOKEN": "token",
        "AMPHI_GATEWAY_CHROMIUM_ARGUMENTS": f"--no-sandbox,--ignore-certificate-errors-spki-list={site.spki}",
    }
    domain, _, room = (site.url.removeprefix("https://") + site.of_pod["long"]).rpartition("/")
    query = {"room": room, "domain": domain, "rtmpDst": "rtmp://127.0.0.1:9/live/x"}
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        listen = ("--http", f"127.0.0.1:{port}", "--warm", "0")
        services.serve(stack, env, tmp_path, "gateway", *listen, answers=f"{url}/healthz")
        client = stack.enter_context(
            httpx.Client(headers={"Authorization": "Bearer token"}, trust_env=False, timeout=PATIENCE_S)
        )
        assert client.get(f"{url}/start", params=query).json()["details"]["res"] == "ok"
        deadline = time.monotonic() + PATIENCE_S
        while ("streaming", "VIEWER") not in attendees(site, site.of_pod):
            assert time.monotonic() < deadline, client.get(f"{url}/progress", params={"room": room}).text
            time.sleep(0.1)
        assert client.get(f"{url}/stop", params={"room": room}).json()["status"] == "success"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_form_is_accessible(site, language, scheme):
    def visit(context: BrowserContext) -> None:
        page = context.new_page()
        page.goto(site.url + site.running["long"])
        assert page.get_attribute("html", "lang") == language
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.keyboard.press("Tab")
        assert page.locator(":focus").get_attribute("id") == "okcookie"
        page.keyboard.press("Enter")
        page.locator("#notice").wait_for(state="hidden")
        page.get_by_label(
            "Nom affiché dans la réunion" if language == "fr" else "Name shown in the meeting"
        ).focus()
        page.keyboard.press("Tab")
        assert page.locator(":focus").get_attribute("type") == "submit"

    site.chromium.run(visit, locale=language, color_scheme=scheme, viewport={"width": 320, "height": 640})
