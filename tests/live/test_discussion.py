"""The discussion in two real browsers: a presenter, by keyboard where it can be, and a listener."""

import pytest

from amphi.audience import domain
from amphi.audience.guests import become_guest
from amphi.audience.models import Event
from amphi.audience.speakers import guest_speaker
from amphi.webinars import transitions
from tests.browser import axe_violations
from tests.live.visits import Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def say(visit: Visit, text: str) -> None:
    visit(lambda page: page.fill("#chat-text", text))
    visit(lambda page: page.press("#chat-text", "Enter"))


def saying(text: str) -> str:
    return f'.chat-message:has(.chat-text:text("{text}"))'


def keys(visit: Visit, *pressed: str) -> None:
    for key in pressed:
        visit(lambda page, key=key: page.keyboard.press(key))


def test_message_reply_reaction_pin_hiding_and_exclusion(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    url = web.url + hall.path
    with (
        visiting(audience_chromium, url, session_of(hall.presenter)) as presenter,
        visiting(audience_chromium, url, session_of(hall.listener)) as listener,
    ):
        presenter.state("live")
        listener.state("live")
        say(listener, "Voir https://univ.fr/x. <img src=x onerror=alert(1)> javascript:alert(1)")
        presenter.see(saying("Voir"))
        link = presenter(
            lambda page: page.locator(".chat-text a").evaluate_all(
                "all => all.map((a) => [a.href, a.rel, a.textContent])"
            )
        )
        assert link == [["https://univ.fr/x", "noopener noreferrer nofollow ugc", "https://univ.fr/x"]]
        assert presenter(lambda page: page.locator("#chat-log img").count()) == 0
        # From message to message by arrows, to what can be done with one by Tab.
        presenter(lambda page: page.focus("#chat-log"))
        keys(presenter, "ArrowUp", "Tab", "Tab", "Enter")
        assert presenter(lambda page: page.evaluate("document.activeElement.id")) == "chat-text"
        say(presenter, "Merci @Hugo Bernard")
        listener.see(saying("Merci") + " .chat-quote")
        assert listener.text(saying("Merci") + " mark") == "@Hugo Bernard"
        assert listener.text(saying("Merci") + " .chat-badge") == "Présentateur"
        listener(lambda page: page.hover(saying("Merci")))
        listener(lambda page: page.click(".chat-tools [data-react=clap]"))
        presenter.see(saying("Merci") + " .chat-sums")
        presenter(lambda page: page.hover(saying("Voir")))
        presenter(lambda page: page.click(".chat-tools [data-do=pin]"))
        listener.see("#chat-pin a")
        assert [presenter(axe_violations), listener(axe_violations)] == [[], []]
        presenter(lambda page: page.hover(saying("Voir")))
        presenter(lambda page: page.click(".chat-tools [data-do=hide]"))
        for gone in (saying("Voir"), "#chat-pin", ".chat-quote"):
            listener.gone(gone)
        say(listener, "encore")
        presenter.see(saying("encore"))
        presenter(lambda page: page.on("dialog", lambda dialog: dialog.accept()))
        presenter(lambda page: page.hover(saying("encore")))
        presenter(lambda page: page.click(".chat-tools [data-do=ban]"))
        listener.gone(saying("encore"))
        say(listener, "toujours là")
        listener.see("#chat-error:not(:empty)")
        assert listener(lambda page: page.input_value("#chat-text")) == "toujours là"
        # Their stream ends as that of anybody whose right is withdrawn, and the page asks anew.
        listener(lambda page: page.wait_for_selector("text=Accès refusé"))


def test_guest_writes_and_waits_for_approval(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    Event.objects.update(guests_may_write=True, chat_mode="approved")
    url = web.url + hall.path
    with (
        visiting(audience_chromium, url, session_of(hall.presenter)) as presenter,
        visiting(audience_chromium, url) as guest,
    ):
        guest.see("#guest-form")
        for name, outcome in (("Marie Curie", "#guest-error:not(:empty)"), ("Zoé", "#chat-form")):
            guest(lambda page, name=name: page.fill("#guest-name", name))
            guest(lambda page: page.press("#guest-name", "Enter"))
            guest.see(outcome)
        say(guest, "Bonjour de Lyon")
        guest.see(".chat-waits")
        assert presenter.messages() == []
        presenter(lambda page: page.click("#order summary"))
        presenter.see("#order-waiting button")
        assert [presenter(axe_violations), guest(axe_violations)] == [[], []]
        presenter(lambda page: page.click("#order-waiting button >> nth=0"))
        presenter.see(saying("Bonjour de Lyon") + " .chat-guest")
        guest.gone(".chat-waits")
        assert guest.messages() == ["Bonjour de Lyon"]
        # What was typed is there again after the page was loaded anew.
        guest(lambda page: page.fill("#chat-text", "à demi écrit"))
        guest(lambda page: page.reload())
        guest.see("#chat-form")
        assert guest(lambda page: page.input_value("#chat-text")) == "à demi écrit"
        # Names that are hidden from now on leave the pages that showed them, but not those of who keeps order.
        author = saying("Bonjour de Lyon") + " .chat-by strong"
        guest.see(author + ":text-is('Zoé')")
        Event.objects.update(names_hidden=True)
        domain.publish_chat_setting(hall.event)
        guest.see(author + ":text-is('Invité')")
        assert presenter.text(author) == "Zoé"


def test_whoever_reads_above_stays_there_and_is_told_how_many_came(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    for number in range(40):
        hall.say(f"Message {number}", number)
    become_guest(hall.event, viewer="azoe", name="Zoé", network="10.0.0.1")
    Event.objects.update(guests_may_write=True)
    guest = guest_speaker(hall.event, "azoe", "10.0.0.1")
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.see(saying("Message 39"))
        visit(lambda page: page.evaluate("document.getElementById('chat-log').scrollTop = 0"))
        for number in range(3):
            domain.write_message(hall.event, speaker=guest, text=f"Nouveau {number}")
        visit.see('#chat-new:has-text("3 nouveaux messages")')
        assert visit(lambda page: page.evaluate("document.getElementById('chat-log').scrollTop")) == 0
        visit(lambda page: page.click("#chat-new"))
        visit.gone("#chat-new")
        visit.gone(".chat-unread")
        visit.see(saying("Nouveau 2"))
