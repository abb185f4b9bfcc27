"""The live page once the live is over, in a real browser that had it open."""

import pytest
from playwright.sync_api import Page

from amphi.audience import afterwards
from amphi.audience.afterwards import Afterwards
from amphi.audience.models import Event
from amphi.webinars import transitions
from tests.browser import axe_violations
from tests.live.visits import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "Merci à toutes et à tous !\nLes diapositives sont sur la page du cours."
CHOSEN = Afterwards(WORDS, "https://enquetes.univ.fr/s?id=4", conversation_stays=False)


def faults(visit: Visit) -> list[str]:
    """What is wrong with the page, wide and narrow, light and dark."""

    def look(page: Page) -> list[str]:
        found: list[str] = []
        for width, scheme in ((1280, "light"), (390, "dark"), (320, "light")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_function(
                "scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme
            )
            found += [f"{width} {scheme} {line}" for line in axe_violations(page)]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{width}: wider than the screen")
        return found

    return visit(look)


def test_page_says_what_the_presenters_chose(hall, web, audience_chromium):
    afterwards.change(hall.event, CHOSEN)
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    hall.say("Bonjour à tous")
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.state("live")
        visit.see(".chat-message")
        hall.apply(transitions.STOP)
        visit.state("over")
        assert visit.text("#after-text") == WORDS
        assert visit.text("#after-survey").split() == [
            "Répondre",
            "au",
            "questionnaire",
            "(enquetes.univ.fr)",
        ]
        link = visit(lambda page: page.get_attribute("#after-survey", "href"))
        assert link == CHOSEN.survey_url
        visit.gone("#conversation")
        visit.gone("#chat-toggle")
        assert faults(visit) == []
        # The presenters change their mind while pages are open.
        afterwards.change(Event.objects.get(pk=hall.event.pk), Afterwards("", "", conversation_stays=True))
        visit.gone("#after-survey")
        visit.see(".chat-message")
        assert visit.text("#after-text") == "Merci de votre participation."
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.see(".chat-message")
        visit.gone("#after-survey")
