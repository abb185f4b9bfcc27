"""The live page once the live is over, in a real browser that had it open."""

import pytest

from amphi.audience import afterwards
from amphi.audience.afterwards import Afterwards
from amphi.audience.models import Event
from amphi.webinars import transitions
from tests.browser import faults
from tests.live.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "Merci à toutes et à tous !\nLes diapositives sont sur la page du cours."
CHOSEN = Afterwards(WORDS, "https://enquetes.univ.fr/s?id=4", conversation_stays=False)


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
        assert visit(lambda page: faults(page, [(1280, "light"), (390, "dark"), (320, "light")])) == []
        # The presenters change their mind while pages are open.
        afterwards.change(Event.objects.get(pk=hall.event.pk), Afterwards("", "", conversation_stays=True))
        visit.gone("#after-survey")
        visit.see(".chat-message")
        assert visit.text("#after-text") == "Merci de votre participation."
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.see(".chat-message")
        visit.gone("#after-survey")
