"""A listener's whole evening by keyboard: from the page of live events to the survey, with Tab, Enter, Space and arrows alone."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import Page

from amphi.audience import polls, questions
from amphi.audience.models import Broadcaster, Event, Hand, Message, Question, Reminder
from amphi.audience.speakers import Speaker
from amphi.webinars import transitions
from tests.factories import make_user
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import Visit, session_of, visiting
from tests.waiting import wait_for as eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PLAYING = 'video[data-playing="true"]'
MOST_PRESSES = 120
# Where the keyboard is: nothing when it is nowhere, else whether one sees that, and why not.
WHERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return { name: "", fault: "nowhere" };
  const { left, top, width, height } = one.getBoundingClientRect();
  const outlined = ({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  const clamp = (at, most) => Math.min(Math.max(at, 1), most - 2);
  const seen = document.elementFromPoint(clamp(left + width / 2, innerWidth), clamp(top + Math.min(height, 40) / 2, innerHeight));
  const marked = [undefined, "::after"].some((part) => outlined(getComputedStyle(one, part))) || getComputedStyle(one).boxShadow !== "none";
  const inView = top < innerHeight && top + height > 0 && width > 0 && height > 0;
  const covered = !(seen && (one.contains(seen) || seen.contains(one)));
  return { name: one.id ? `#${one.id}` : `${one.localName}.${one.className}`,
    fault: marked ? inView ? covered ? "covered" : "" : "out of view" : "without a mark" };
}"""
BEFORE = "target => Boolean(document.activeElement.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING)"


class Keyboard:
    """Presses keys on a page, and looks after each where the focus is."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.faults: list[str] = []

    def press(self, *keys: str) -> None:
        for key in keys:
            self.visit(lambda page, key=key: page.keyboard.press(key))

    def type(self, text: str) -> None:
        self.visit(lambda page: page.keyboard.type(text))

    def has(self, selector: str) -> bool:
        return self.visit(
            lambda page: page.evaluate("selector => document.activeElement.matches(selector)", selector)
        )

    def look(self, doing: str) -> None:
        """Note what is wrong with the focus, once a page had the time to put it right."""
        self.visit(
            lambda page: page.wait_for_function(
                "() => document.activeElement && document.activeElement !== document.body"
            )
        )
        found = self.visit(lambda page: page.evaluate(WHERE))
        if found["fault"]:
            self.faults.append(f"{doing}: {found['name']} {found['fault']}")

    def go(self, selector: str) -> None:
        """Press Tab, or Shift and Tab, until something has the focus."""
        self.visit(lambda page: page.wait_for_selector(selector))
        self.visit(lambda page: page.wait_for_timeout(0))

        def steps(page: Page) -> list[dict[str, str]]:
            taken = []
            target = page.query_selector(selector)
            back = page.evaluate("() => document.activeElement !== document.body") and page.evaluate(
                BEFORE, target
            )
            for _ in range(MOST_PRESSES):
                if page.evaluate("target => document.activeElement === target", target):
                    return taken
                page.keyboard.press("Shift+Tab" if back else "Tab")
                taken.append(page.evaluate(WHERE))
            raise AssertionError(f"{selector} is not reached: {[one['name'] for one in taken]}")

        taken = self.visit(steps)
        self.faults += [f"to {selector}: {one['name']} {one['fault']}" for one in taken if one["fault"]]


def test_a_listener_s_evening_by_keyboard(hall, web, audience_chromium, tmp_path):
    Event.objects.filter(pk=hall.event.pk).update(enable_hands=True, survey_url="https://sondages.univ.fr/1")
    with (
        origin(tmp_path) as (rtmp, http),
        # Without transitions, what is on the screen is what will stay there.
        visiting(
            audience_chromium, web.url + "/", session_of(hall.listener), reduced_motion="reduce"
        ) as visit,
        ExitStack() as live,
    ):
        Broadcaster.objects.update(hls_url=f"http://{http}/hls/hall.m3u8")
        keyboard = Keyboard(visit)
        before_the_live(hall, keyboard)
        wait_for(f"http://{http}/hls/hall.m3u8", 404)
        live.enter_context(publishing(rtmp))
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        visit.see(PLAYING)
        keyboard.look("the live starts")
        the_player(keyboard)
        the_discussion(hall, keyboard)
        questions_and_polls(hall, keyboard)
        reactions_and_hand(keyboard)
        hall.apply(transitions.STOP)
        visit.state("over")
        keyboard.look("the live is over")
        keyboard.go("#after-survey")
        keyboard.go("#tab-polls")
        keyboard.press("Home")
        keyboard.go("#chat-log")
        keyboard.go("#chat-toggle")
        for shown in ("false", "true"):
            keyboard.press("Enter")
            visit.see(f'#chat-toggle[aria-expanded="{shown}"]')
            assert visit(lambda page: page.is_visible("#chat")) is (shown == "true")
        keyboard.look("the discussion was hidden and shown")
        keyboard.go('.navbar-nav a[href="/"]')
        keyboard.press("Enter")
        visit.see(".event-card")
    assert sorted(set(keyboard.faults)) == []


def before_the_live(hall, keyboard: Keyboard) -> None:
    visit = keyboard.visit
    keyboard.go(".event-card a")
    keyboard.press("Enter")
    visit.state("waiting")
    keyboard.go('.before-more:has([action$="/reminder"]) > summary')
    keyboard.press("Enter")
    keyboard.go('[action$="/reminder"] button')
    keyboard.press("Enter")
    visit.see(".alert-success")
    eventually(lambda: Reminder.objects.filter(event=hall.event).exists(), "a reminder")
    keyboard.go("#check > summary")
    keyboard.press("Space")
    keyboard.go("[data-check-start]")
    keyboard.press("Enter")
    visit.see('[data-result="picture"]:not([data-outcome=""])')
    visit.see("[data-check-start]:enabled")
    keyboard.look("after the test")
    assert keyboard.has("[data-check-start]")


def the_player(keyboard: Keyboard) -> None:
    visit = keyboard.visit

    def video(expression: str) -> None:
        visit(lambda page: page.wait_for_function(f"() => document.getElementById('video').{expression}"))

    keyboard.go("media-play-button")
    keyboard.press("Space")
    video("paused")
    visit.see("media-play-button[mediapaused]")
    keyboard.press("Enter")
    video("paused === false")
    keyboard.go("media-mute-button")
    assert visit(lambda page: page.get_attribute(":focus", "aria-label")) == "activer le son"
    # The browser let nothing sound before a press.
    keyboard.press("Enter")
    video("muted === false")
    keyboard.go("media-volume-range")
    before = visit(lambda page: page.evaluate("document.getElementById('video').volume"))
    keyboard.press("ArrowLeft", "ArrowLeft")
    video(f"volume < {before}")
    keyboard.go("#quality")
    keyboard.press("End")
    visit.see("#stage-plate")
    keyboard.look("the sound alone")
    keyboard.press("Home")
    visit.gone("#stage-plate")
    visit.see(PLAYING)
    keyboard.go("media-fullscreen-button")
    keyboard.press("Enter")
    visit(lambda page: page.wait_for_function("() => document.fullscreenElement"))
    keyboard.press("Enter")
    visit(lambda page: page.wait_for_function("() => !document.fullscreenElement"))
    keyboard.look("after full screen")


def the_discussion(hall, keyboard: Keyboard) -> None:
    visit = keyboard.visit
    hall.say("Bonjour à tous")
    visit.see(".chat-message")
    keyboard.go("#chat-text")
    keyboard.type("Bonsoir")
    keyboard.press("Enter")
    visit.see('.chat-message:has-text("Bonsoir")')
    keyboard.look("a message was sent")
    # To the newest message by the arrow, then to what can be done with it.
    keyboard.go("#chat-log")
    keyboard.press("ArrowUp", "ArrowUp")
    keyboard.look("at a message")
    keyboard.go('[data-do="reply"]')
    keyboard.press("Enter")
    keyboard.look("a reply")
    assert keyboard.has("#chat-text")
    keyboard.type("Merci")
    keyboard.press("Enter")
    visit.see('.chat-message:has(.chat-quote):has-text("Merci")')
    assert Message.objects.get(text="Merci").reply_to.text == "Bonjour à tous"
    keyboard.go("#chat-log")
    keyboard.press("Home")
    keyboard.go(".chat-tools [data-react]")
    keyboard.press("Space")
    visit.see('.chat-tools [data-react][aria-pressed="true"]')
    keyboard.look("a reaction")
    keyboard.press("Escape")
    keyboard.look("back to the discussion")


def questions_and_polls(hall, keyboard: Keyboard) -> None:
    visit = keyboard.visit
    neighbour = make_user(first_name="Lise")
    questions.ask(hall.event, by=Speaker(f"u{neighbour.pk}", "Lise", neighbour), text="Et le polonium ?")
    keyboard.go("#tab-chat")
    keyboard.press("ArrowRight")
    assert keyboard.has("#tab-questions")
    keyboard.go(".question-vote")
    keyboard.press("Enter")
    visit.see('.question-vote[aria-pressed="true"]')
    keyboard.look("a vote")
    keyboard.go("#question-text")
    keyboard.type("Et le radium ?")
    keyboard.press("Enter")
    visit.see('.question:has-text("Et le radium")')
    keyboard.look("a question was asked")
    assert Question.objects.filter(event=hall.event).count() == 2
    polls.make(
        hall.event,
        question="On continue ?",
        choices=["Oui", "Non"],
        multiple=False,
        opens=True,
        user=hall.presenter,
    )
    visit.see("#tab-polls")
    keyboard.go("#tab-questions")
    keyboard.press("End")
    assert keyboard.has("#tab-polls")
    keyboard.go(".poll input")
    keyboard.press("ArrowDown")
    keyboard.go(".poll [type=submit]")
    keyboard.press("Enter")
    visit.see('.poll [data-slot="status"]:not(:empty)')
    keyboard.look("a ballot")


def reactions_and_hand(keyboard: Keyboard) -> None:
    visit = keyboard.visit
    keyboard.go('[data-reaction="clap"]')
    keyboard.press("Enter")
    visit.see('[data-reaction="clap"] .reaction-sum')
    keyboard.go("#hand-raise")
    keyboard.press("Enter")
    keyboard.look("the dialog of the hand")
    keyboard.go("#hand-word")
    keyboard.type("Une précision")
    keyboard.press("Enter")
    visit.see("#hand-lower")
    keyboard.look("the hand is up")
    assert Hand.objects.count() == 1
    keyboard.go("#hand-lower")
    keyboard.press("Space")
    visit.see("#hand-raise")
    keyboard.look("the hand is down")
