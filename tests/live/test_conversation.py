"""The conversation beside the picture: its tabs, and where it stands on a phone."""

import pytest

from amphi.audience import domain
from amphi.audience.models import Event
from amphi.webinars import transitions
from tests.browser import axe_violations
from tests.live.visits import Hall, Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def offer_questions(visit: Visit, hall: Hall) -> None:
    """Have the page come with a second panel that has something to show."""
    Event.objects.filter(pk=hall.event.pk).update(enable_questions=True)

    def load(page) -> None:
        page.reload()
        page.wait_for_selector('html[data-live-state="live"]', state="attached")

    visit(load)


def focused(visit: Visit) -> str:
    return visit(lambda page: page.evaluate("document.activeElement.id"))


def test_tabs_by_keyboard_with_a_dot_for_what_is_new(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    Event.objects.filter(pk=hall.event.pk).update(enable_questions=False)
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.state("live")
        # One panel needs no tab.
        visit.gone(".conversation-tabs")
        assert visit.text("#chat-title") == "Discussion"
        offer_questions(visit, hall)
        visit.see(".conversation-tabs")
        visit(lambda page: page.focus("#tab-chat"))
        for key, tab in (
            ("ArrowRight", "questions"),
            ("ArrowRight", "chat"),
            ("ArrowLeft", "questions"),
            ("Home", "chat"),
            ("End", "questions"),
        ):
            visit(lambda page, key=key: page.keyboard.press(key))
            assert focused(visit) == f"tab-{tab}"
            assert visit(lambda page: page.locator("[data-panel]:visible").count()) <= 1
            assert visit(lambda page, tab=tab: page.get_attribute(f"#tab-{tab}", "aria-selected")) == "true"
        hall.say("Du nouveau")
        visit.see("#tab-chat [data-unread]")
        visit(lambda page: page.click("#tab-chat"))
        visit.see(".chat-message")
        visit.gone("#tab-chat [data-unread]")
        visit.gone("#crowd")
        domain.publish(hall.event.pk, "listeners", {"about": 1200})
        visit.see("#crowd:has-text('Environ 1\u202f200 auditeurs')")
        assert visit(axe_violations) == []


@pytest.mark.parametrize("size", [(390, 844), (320, 568)])
def test_phone_has_the_picture_on_top_and_the_composer_at_the_bottom(hall, web, audience_chromium, size):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    for number in range(20):
        hall.say(f"Message {number}", number)
    viewport = {"width": size[0], "height": size[1]}
    with visiting(
        audience_chromium, web.url + hall.path, session_of(hall.listener), viewport=viewport
    ) as visit:
        visit.state("live")
        box = visit(lambda page: page.locator("#chat .chat-foot").bounding_box())
        assert size[1] - 2 <= box["y"] + box["height"] <= size[1] + 2
        # The stream is there: what it tells first, of nobody else, comes no more.
        hall.say("Dernier message", 20)
        visit.see(".chat-message:has-text('Dernier message')")
        domain.publish(hall.event.pk, "listeners", {"about": 1200})
        visit.see(".conversation-crowd:has-text('Environ 1\u202f200 auditeurs')")
        crowd = visit(lambda page: page.locator(".conversation-crowd").bounding_box())
        assert crowd["y"] + crowd["height"] < size[1] / 2 + 60
        assert visit(lambda page: page.locator("#crowd").is_hidden())
        # As far as one scrolls.
        visit(lambda page: page.mouse.wheel(0, 60))
        visit(lambda page: page.evaluate("scrollTo(0, 60)"))
        visit(lambda page: page.wait_for_function("() => scrollY > 0"))
        assert visit(lambda page: page.locator("#stage").bounding_box())["y"] >= 0


IN_STEP = """async () => {
  const { InStep } = await import("/static/audience/in_step.js");
  const start = Date.now();
  const at = (ms) => new Date(start + ms).toISOString();
  const player = { playing: false, playingDate: null };
  const step = new InStep(player, 700);
  const shown = [];
  const until = async (test) => { while (!test()) await new Promise((done) => setTimeout(done, 10)); };
  step.hold(at(5000), () => shown.push("nothing plays"));
  player.playing = true;
  step.hold(at(5000), () => shown.push("no date"));
  player.playingDate = new Date(start);
  step.hold(at(-1), () => shown.push("past"));
  step.hold(undefined, () => shown.push("no moment"));
  step.hold(at(3600000), () => shown.push("another clock"));
  step.hold(at(5000), () => shown.push("one"));
  step.hold(at(2000), () => shown.push("two"));
  step.hold(at(5000), () => shown.push("three"));
  const before = shown.length;
  player.playingDate = new Date(start + 2000);
  await until(() => shown.length > before);
  const first = shown.slice(before);
  player.playingDate = new Date(start + 5000);
  await until(() => shown.length === before + 3);
  const rest = shown.slice(before + 1);
  const began = performance.now();
  step.hold(at(9000), () => shown.push("stuck"));
  await until(() => shown.at(-1) === "stuck");
  const late = performance.now() - began >= 700;
  step.hold(at(9000), () => shown.push("stopped"));
  player.playing = false;
  await until(() => shown.at(-1) === "stopped");
  return { at_once: shown.slice(0, before), first, rest, late };
}"""


def test_what_speaks_of_the_picture_waits_for_it(hall, web, audience_chromium):
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.state("waiting")
        assert visit(lambda page: page.evaluate(IN_STEP)) == {
            "at_once": ["nothing plays", "no date", "past", "no moment", "another clock"],
            "first": ["two"],
            "rest": ["one", "three"],
            "late": True,
        }
