"""The room in real browsers: pictures, sound, chat, the clean view, accessibility."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from amphi.system import vendor
from tests.classroom.conftest import pdf, wait_for
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

pytestmark = pytest.mark.browser

TIMEOUT_MS = 60_000
# Five pictures a second move as well as twenty do, for half of the processor time of two people and the bot.
FAKE_DEVICES = ["--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream"]
CLEAN = {
    "bot": "true",
    "enforceLayout": "MEDIA_ONLY",
    "userdata-bbb_auto_join_audio": "true",
    "userdata-bbb_listen_only_mode": "true",
}
# Whether the slide is shown, and whether the cameras are.
LAYOUTS = {"slides": [True, False], "cameras": [False, True], "slides_and_cameras": [True, True]}
# A picture that moves: its size, and whether time passes in it.
PLAYING = """count => {
  const videos = [...document.querySelectorAll('#cameras video')];
  return videos.length === count && videos.every(video => video.videoWidth > 0 && video.currentTime > 0.3);
}"""
HEARING = (
    "() => [...document.querySelectorAll('audio')].some(sound => !sound.paused && sound.currentTime > 0.3)"
)


@pytest.fixture(scope="module")
def browsers() -> Iterator[tuple[Browser, Browser]]:
    """One with a camera and a microphone, and one without, as the bot's."""
    with sync_playwright() as playwright:
        people = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, *FAKE_DEVICES]
        )
        arguments = [*CHROMIUM_ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
        bot = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield people, bot
        people.close()
        bot.close()


@pytest.fixture
def visit(browsers):
    """Open an address in a window of its own; errors of the page fail the test."""
    contexts, errors = [], []

    def go(url, *, bot=False, language="en-GB", scheme="light", width=1280, height=720) -> Page:
        context = browsers[bot].new_context(
            viewport={"width": width, "height": height}, locale=language, color_scheme=scheme
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.goto(url)
        return page

    expect.set_options(timeout=TIMEOUT_MS)
    yield go
    for context in contexts:
        context.close()
    assert errors == []


def state(page, value):
    page.wait_for_selector(f"html[data-meeting-state={value}]", state="attached")


def audio(page):
    page.wait_for_selector("html[data-audio-state=joined]", state="attached")


def violations(page) -> list[str]:
    page.evaluate(vendor.library("axe-core/axe.min.js").read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{violation['id']}: {node['html']}" for violation in found for node in violation["nodes"]]


def test_two_people_and_the_bot(classroom, visit):
    classroom.create(meetingEndedURL=f"{classroom.url}/html5client/ended")
    bot = visit(classroom.join("Streaming", **CLEAN)["url"], bot=True)
    audio(bot)
    assert bot.locator("#welcome-slide").is_visible()
    ada = visit(classroom.join("Ada", password="mp")["url"])
    ada.click("#join-microphone")
    audio(ada)
    ada.click("#camera-button")
    bob = visit(classroom.join("Bob")["url"])
    bob.click("#join-listen")
    audio(bob)
    bob.click("#camera-button")
    for page in (ada, bob, bot):
        page.wait_for_function(PLAYING, arg=2)
    for page in (bob, bot):
        page.wait_for_function(HEARING)
    for hidden in ("#top-bar", "#action-bar", "#panel", "#audio-dialog"):
        expect(bot.locator(hidden)).to_be_hidden()
    info = classroom.info()
    assert [info[name] for name in ("videoCount", "listenerCount", "voiceParticipantCount")] == [
        "2",
        "2",
        "1",
    ]

    ada.fill("#chat-input", "<img src=x onerror=alert(1)>")
    ada.press("#chat-input", "Enter")
    expect(bob.locator("#messages li p")).to_have_text("<img src=x onerror=alert(1)>")
    assert bob.evaluate("window.amphiClassroom.sendChat('Good morning')")
    expect(ada.locator("#messages li p").last).to_have_text("Good morning")
    assert bot.evaluate("window.amphiClassroom.setChatPanel(true)") is True
    expect(bot.locator("#messages li p").last).to_be_visible()
    assert bot.evaluate("window.amphiClassroom.setChatPanel(false)") is False
    bob.click("#raise-hand")
    ada.click("#tab-participants")
    expect(
        ada.locator("#participants li", has_text="Bob").locator(".bi-hand-index-thumb-fill")
    ).to_be_visible()
    expect(ada.locator("#participants li", has_text="Streaming").locator(".text-bg-danger")).to_have_text(
        "Streaming"
    )

    bob.reload()  # a page loaded again has its pictures again, and its person is there once
    bob.click("#join-listen")
    bob.wait_for_function(PLAYING, arg=1)
    expect(ada.locator("#participants li")).to_have_count(3)

    ada.click("#end-button")
    for page in (ada, bob, bot):
        state(page, "ended")
    ada.wait_for_url("**/html5client/ended")


def test_slides_turn_for_all(classroom, visit):
    classroom.create()
    bot = visit(classroom.join("Streaming", **CLEAN)["url"], bot=True)
    audio(bot)
    ada = visit(classroom.join("Ada", password="mp")["url"])
    ada.click("#join-listen")
    ada.set_input_files("#upload-file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": pdf(2)})
    for page in (ada, bot):
        page.wait_for_function("() => document.getElementById('slide').naturalWidth === 1600")
    ada.click("#slides-next")
    expect(bot.locator("#slide")).to_have_attribute("alt", "a.pdf, page 2 of 2")
    expect(bot.locator("#slide-bar")).to_be_hidden()
    ada.click("#camera-button")
    bot.wait_for_function(PLAYING, arg=1)
    assert bot.locator("#cameras").bounding_box()["x"] > 1000, "the camera is beside the slide"
    for layout, shown in LAYOUTS.items():
        assert bot.evaluate("(layout) => window.amphiClassroom.setLayout(layout)", layout) == layout
        assert [bot.locator(part).is_visible() for part in ("#slide", "#cameras")] == shown
    ada.click("#slides-hide")
    expect(bot.locator("#slide")).to_be_hidden()
    bot.wait_for_function("() => document.getElementById('cameras').clientWidth === 1280")


def test_connection_comes_back(classroom, visit):
    classroom.create()
    ada = visit(classroom.join("Ada", password="mp")["url"])
    ada.click("#join-listen")
    audio(ada)
    before = classroom.info()["attendees/attendee/userID"]
    ada.evaluate(
        """() => {
          const send = WebSocket.prototype.send;
          WebSocket.prototype.send = function (...all) {
            WebSocket.prototype.send = send;
            this.close();
          };
        }"""
    )
    # It may be told and be back before anybody looks.
    ada.evaluate(
        """() => {
          const notice = document.getElementById("notice");
          new MutationObserver(() => { globalThis.wasTold ||= !notice.hidden; }).observe(notice, { attributes: true });
        }"""
    )
    ada.click("#raise-hand")
    ada.wait_for_function("() => globalThis.wasTold")
    ada.wait_for_selector("#notice", state="hidden")
    assert ada.evaluate("window.amphiClassroom.sendChat('Back')")
    expect(ada.locator("#messages li p")).to_have_text("Back")
    info = classroom.info()
    assert (info["participantCount"], info["attendees/attendee/userID"]) == ("1", before)


def test_without_a_microphone(classroom, visit):
    classroom.create()
    bob = visit(classroom.join("Bob")["url"], bot=True)  # this browser has no device and grants none
    bob.click("#join-microphone")
    expect(bob.locator("#notice")).to_be_visible()
    audio(bob)
    assert classroom.info()["listenerCount"] == "1"


@pytest.mark.parametrize(("language", "scheme", "width"), [("fr-FR", "light", 1280), ("en-GB", "dark", 320)])
def test_accessibility(classroom, visit, language, scheme, width):
    classroom.create()
    page = visit(classroom.join("Ada", password="mp")["url"], language=language, scheme=scheme, width=width)
    page.wait_for_selector("#audio-dialog[open]")
    assert violations(page) == []
    page.click("#join-listen")
    audio(page)
    page.evaluate("window.amphiClassroom.setChatPanel(true)")
    page.evaluate("window.amphiClassroom.sendChat('Hello')")
    page.wait_for_selector("#messages li")
    assert violations(page) == []
    page.click("#tab-participants")
    assert violations(page) == []
    page.set_input_files("#upload-file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": pdf(2)})
    page.click("#panel-close")
    page.wait_for_selector("#slide-bar")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#end-button")
    state(page, "ended")
    page.wait_for_selector("#closing")
    assert violations(page) == []
    for path in ("/html5client/refused?key=maxParticipantsReached", "/html5client/ended", "/"):
        page.goto(classroom.url + path)
        assert page.locator("html").get_attribute("lang") == language[:2]
        assert violations(page) == [], path


def test_language_switch(classroom, visit):
    classroom.create()
    page = visit(classroom.join("Ada", password="mp")["url"], language="fr-FR")
    page.click("#join-listen")
    expect(page.locator("#leave-button")).to_have_text("Quitter")
    page.click("#language-button")
    expect(page.locator("#leave-button")).to_have_text("Leave")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    expect(page.locator("#leave-button span")).to_have_text("Leave")


def test_leave(classroom, visit):
    classroom.create()
    page = visit(classroom.join("Ada")["url"])
    page.click("#join-none")
    page.click("#leave-button")
    state(page, "ended")
    wait_for(lambda: classroom.info()["participantCount"] == "0", "the leave")
    page.click("#closing-return")
    state(page, "joined")
