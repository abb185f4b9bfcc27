"""Questions, polls, reactions and hands: two browsers and a presenter's page."""

import time

import pytest

from amphi.audience import hands, polls, questions
from amphi.audience.models import Event, Question
from amphi.audience.speakers import Speaker
from amphi.webinars import transitions
from tests.audience.hall import told
from tests.browser import axe_violations, faults
from tests.factories import make_user
from tests.live.visits import PATIENCE_S, Hall, Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def open_hall(hall) -> Hall:
    """On the air, with hands allowed."""
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    Event.objects.filter(pk=hall.event.pk).update(enable_hands=True)
    return hall


def speaker(hall: Hall, name: str = "") -> Speaker:
    user = make_user(first_name=name, affiliation="student") if name else hall.listener
    return Speaker(f"u{user.pk}", str(user), user)


def click(visit: Visit, selector: str) -> None:
    visit(lambda page: page.click(selector))


def test_questions_polls_and_hands_between_listeners_and_presenter(open_hall, web, audience_chromium):
    hall = open_hall
    url = web.url + hall.path
    with (
        visiting(audience_chromium, url, session_of(hall.listener)) as listener,
        visiting(audience_chromium, url) as visitor,
        visiting(audience_chromium, url + "desk/", session_of(hall.presenter)) as desk,
    ):
        for visit in (listener, visitor):
            visit.state("live")
            click(visit, "#tab-questions")
        # A question, by keyboard; its author is not named to others.
        listener(lambda page: page.fill("#question-text", "Et l’<b>uranium</b> ?"))
        listener(lambda page: page.check("#question-anonymous"))
        listener(lambda page: page.press("#question-text", "Enter"))
        for visit in (listener, visitor):
            visit.see(".question")
            assert visit.text(".question-text") == "Et l’<b>uranium</b> ?"
        assert (listener.text(".question strong"), visitor.text(".question strong")) == (
            "Votre question",
            "Anonyme",
        )
        desk.see('[data-key^="question-"]')
        assert "Hugo Bernard" in desk.text("#usher-open")
        # Votes: one each, taken back by another press.
        for visit, votes in ((listener, "1"), (visitor, "2")):
            click(visit, ".question-vote")
            listener.see(f'.question-vote [data-slot="votes"]:text-is("{votes}")')
        click(visitor, ".question-vote")
        listener.see('.question-vote [data-slot="votes"]:text-is("1")')
        # Answered aloud, then in writing.
        click(desk, '#usher-open button[value="take"]')
        listener.see('.question[data-state="current"]')
        click(desk, "#usher-current summary")
        desk(lambda page: page.fill("#usher-current textarea", "Bientôt."))
        click(desk, '#usher-current details button[type="submit"]')
        visitor.see(".question-answer")
        assert visitor.text(".question-answer") == "Bientôt."
        _poll(listener, visitor, desk)
        _hand(listener, desk)


def _poll(listener: Visit, visitor: Visit, desk: Visit) -> None:
    desk(lambda page: page.fill("#poll-question", "On continue ?"))
    desk(lambda page: page.fill("#poll-choices", "Oui\nNon"))
    click(desk, 'button[name="open"]')
    for visit, position in ((listener, 0), (visitor, 1)):
        visit.see("#tab-polls [data-unread]")
        click(visit, "#tab-polls")
        visit.see(".poll")
        visit(lambda page, position=position: page.check(f".poll input >> nth={position}"))
        click(visit, ".poll [type=submit]")
        visit.see('.poll [data-slot="status"]:text-is("Vote enregistré")')
    assert listener(lambda page: page.locator(".poll-result:visible").count()) == 0
    desk.see('#usher-polls :text("2 votants")')
    click(desk, '#usher-polls button[value="close"]')
    listener.see('.poll[data-state="closed"]')
    click(desk, '#usher-polls button[value="show"]')
    for visit in (listener, visitor):
        visit.see(".poll-result")
        assert visit.text('.poll-choice >> nth=0 >> [data-slot="result"]') == "1 vote, 50\u00a0%"


def _hand(listener: Visit, desk: Visit) -> None:
    click(listener, "#hand-raise")
    listener(lambda page: page.fill("#hand-word", "Une précision"))
    listener(lambda page: page.press("#hand-word", "Enter"))
    listener.see("#hand-lower")
    assert listener.text("#hand-note") == "Vous êtes le prochain."
    desk.see('#usher-hands :text("Une précision")')
    click(desk, '#usher-hands button[value="invite"]')
    listener.see("#hand-stage")
    click(listener, "#hand-stage")
    listener.see('h1:text("Monter sur scène")')
    assert listener(axe_violations) == []


def test_reactions_float_for_all(open_hall, web, audience_chromium):
    url = web.url + open_hall.path
    with (
        visiting(audience_chromium, url) as one,
        visiting(audience_chromium, url, reduced_motion="reduce") as other,
    ):
        for visit in (one, other):
            visit.state("live")
        for _ in range(3):
            click(other, '[data-reaction="clap"]')
        one.see('[data-reaction="clap"] .reaction-sum')
        other.see('[data-reaction="clap"] .reaction-sum')
        # Nothing is lost, in however many words it was told.
        deadline = time.monotonic() + PATIENCE_S
        while sum(said["sums"]["clap"] for said in told(open_hall.event, "reactions")) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert other(lambda page: page.locator(".reaction-float").count()) == 0


def test_presenter_handles_questions_by_keyboard(open_hall, web, audience_chromium):
    hall = open_hall
    for text in ("Une", "Deux", "Trois"):
        questions.ask(hall.event, by=speaker(hall, text), text=text)
    url = web.url + hall.path + "desk/"
    with visiting(audience_chromium, url, session_of(hall.presenter)) as desk:
        desk(lambda page: page.focus('#usher-open li:first-child button[value="take"]'))
        for count in (2, 1):
            desk(lambda page: page.keyboard.press("Enter"))
            desk.see(f'#usher-open .usher-count:text-is("{count}")')
            # The next one has the focus: it is one press away.
            assert desk(lambda page: page.evaluate("document.activeElement.value")) == "take"
        assert Question.objects.filter(state="current").count() == 1


def test_guest_takes_a_name_and_asks_without_loading_the_page_again(open_hall, web, audience_chromium):
    Event.objects.filter(pk=open_hall.event.pk).update(guests_may_write=True)
    with visiting(audience_chromium, web.url + open_hall.path) as guest:
        guest.state("live")
        click(guest, "#tab-questions")
        guest(lambda page: page.fill("#question-text", "Une question ?"))
        guest(lambda page: page.press("#question-text", "Enter"))
        guest.see("#question-error:not(:empty)")
        assert "Choisissez d’abord un nom" in guest.text("#question-error")
        click(guest, "#tab-chat")
        guest(lambda page: page.fill("#guest-name", "Zoé"))
        guest(lambda page: page.press("#guest-name", "Enter"))
        guest.gone("#guest-form")
        click(guest, "#tab-questions")
        # What was typed is still there.
        guest(lambda page: page.press("#question-text", "Enter"))
        guest.see(".question")
    assert Question.objects.get().author_name == "Zoé"


BOXES = {
    "chat": ("#tab-chat", "#chat-text", "#chat-send", "**/messages"),
    "questions": ("#tab-questions", "#question-text", "#question-form [type=submit]", "**/questions"),
}


@pytest.mark.parametrize("place", BOXES)
def test_what_is_typed_while_a_text_is_sent_stays(open_hall, web, audience_chromium, place):
    tab, box, button, path = BOXES[place]
    held = []
    with visiting(audience_chromium, web.url + open_hall.path, session_of(open_hall.listener)) as visit:
        visit.state("live")
        click(visit, tab)
        # The driver marks the function that it is given, which it can't do to `append` itself.
        visit(lambda page: page.route(path, lambda route: held.append(route)))  # noqa: PLW0108
        visit(lambda page: page.fill(box, "Bonjour"))
        click(visit, button)
        while not held:
            visit(lambda page: page.wait_for_timeout(20))
        visit(lambda page: page.locator(box).press_sequentially(" et merci"))
        if place == "chat":
            # Many write: the page waits for its turn by itself.
            visit(lambda page: held[0].fulfill(status=422, json={"error": "crowded", "detail": "…"}))
            visit.see("#chat-turn:text('attend son tour')")
            while len(held) == 1:
                visit(lambda page: page.wait_for_timeout(20))
        visit(lambda page: held[-1].continue_())
        visit.see(f"{button}:not([aria-busy])")
        assert visit(lambda page: page.input_value(box)) == "et merci"


def fill(hall: Hall) -> None:
    event = hall.event
    asked = [
        questions.ask(event, by=speaker(hall, name), text=text, anonymous=name == "Anna")
        for name, text in (
            (
                "Anna",
                "Comment mesure-t-on la demi-vie d’un isotope dont personne n’a jamais vu la moitié disparaître ?",
            ),
            ("Luc", "Les diapositives seront-elles en ligne ?"),
            ("Inès", "a" * 200),
        )
    ]
    for number in range(14):
        questions.vote(event, asked[0].pk, viewer=f"a{number}", wanted=True)
    questions.answer(event, asked[1].pk, "Oui, dès demain matin.")
    poll = polls.make(
        event,
        question="Avez-vous compris la demi-vie ?",
        choices=[
            "Oui",
            "Presque",
            "Non, et un texte long qui ne tient pas sur une seule ligne d’un téléphone",
        ],
        multiple=False,
        opens=True,
        user=hall.presenter,
    )
    for number in range(9):
        polls.vote(event, poll.pk, viewer=f"a{number}", positions=[number % 3 // 2])
    polls.show_results(event, poll.pk, shown=True)
    polls.make(
        event, question="Continuer ?", choices=["Oui", "Non"], multiple=True, opens=True, user=hall.presenter
    )
    for name in ("Anna", "Luc"):
        hands.raise_hand(event, by=speaker(hall, name), word="Sur la diapositive 4")
    hands.invite(event, event.hands.first().token)
    hands.raise_hand(event, by=speaker(hall), word="")


def test_all_of_it_is_accessible(open_hall, web, audience_chromium):
    hall, found = open_hall, []
    fill(hall)
    url = web.url + hall.path

    def look(visit: Visit, name: str) -> None:
        found.extend(f"{name}: {line}" for line in visit(faults))

    with visiting(audience_chromium, url, session_of(hall.listener)) as visit:
        visit.state("live")
        for panel in ("questions", "polls"):
            click(visit, f"#tab-{panel}")
            look(visit, panel)
        visit(lambda page: page.goto(url + "desk/"))
    with visiting(audience_chromium, url + "desk/", session_of(hall.presenter)) as visit:
        look(visit, "presenter's")
    assert found == []
