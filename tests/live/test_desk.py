"""The desk in a real browser, beside a listener's page."""

import pytest

from amphi.audience import hands, questions
from amphi.audience.models import Broadcaster, Event
from amphi.audience.speakers import Speaker
from amphi.webinars import transitions
from amphi.webinars.models import Layout, Livestream, State
from tests.browser import faults
from tests.factories import make_user
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def click(visit: Visit, selector: str) -> None:
    visit(lambda page: page.click(selector))


def test_presenter_follows_and_steers_the_live_from_the_desk(hall, web, audience_chromium, tmp_path):
    Event.objects.filter(pk=hall.event.pk).update(enable_hands=True, chat_mode="approved")
    by = Speaker(f"u{hall.listener.pk}", str(hall.listener), hall.listener)
    with origin(tmp_path) as (rtmp, http):
        hls = f"http://{http}/hls/hall.m3u8"
        Broadcaster.objects.update(hls_url=hls)
        wait_for(hls, 404)
        with (
            publishing(rtmp),
            visiting(audience_chromium, web.url + hall.path, session_of(hall.listener)) as listener,
            visiting(audience_chromium, web.url + hall.path + "desk/", session_of(hall.presenter)) as desk,
        ):
            desk.see('.desk-screen [data-for="waiting"]')
            hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
            # What listeners see, without sound.
            desk.see('#desk-video[data-playing="true"]')
            assert desk(lambda page: page.evaluate("document.getElementById('desk-video').muted"))
            desk.see("#desk-label.state-live")
            # What is said waits for the desk.
            listener.state("live")
            listener(lambda page: page.fill("#chat-text", "Bonjour"))
            listener(lambda page: page.press("#chat-text", "Enter"))
            desk.see('#order-count:text-is("1")')
            click(desk, "#order > summary")
            click(desk, "#order-waiting .btn-primary")
            desk.see('#chat-log .chat-text:text-is("Bonjour")')
            # The lists, told by the stream.
            questions.ask(hall.event, by=by, text="Pourquoi ?")
            hands.raise_hand(hall.event, by=by, word="Ici")
            desk.see('#usher-open :text("Pourquoi ?")')
            desk.see('#usher-hands :text("Ici")')
            # What listeners see is chosen here, once the gateway tells what it has.
            desk.see("#desk-layout-note:not(:empty)")
            desk.gone("#desk-layout-choices")
            Livestream.objects.update(layout_shown=Layout.SLIDES_AND_CAMERAS)
            desk.see('#desk-layout-slides_and_cameras[aria-pressed="true"]')
            desk(lambda page: page.focus("#desk-layout-cameras"))
            desk(lambda page: page.keyboard.press("Enter"))
            desk.see('#desk-layout-cameras[aria-pressed="true"]')
            desk.see("#desk-done:not(:empty)")
            desk.see('#desk-layout-slides_and_cameras[aria-pressed="false"]')
            assert desk(faults) == []
            # Who has the desk open is not one who listens.
            desk.see('#desk-listeners:text-is("1 auditeur")')
            # Closed, it loads nothing more; and stays closed.
            desk(lambda page: page.set_viewport_size({"width": 1280, "height": 900}))
            desk(lambda page: page.focus("#desk-picture > summary"))
            desk(lambda page: page.keyboard.press("Enter"))
            desk.see("#desk-picture:not([open])")
            desk(lambda page: page.wait_for_function("() => !document.getElementById('desk-video').src"))
            # The live stops after a question; what was being typed is still there.
            desk(lambda page: page.fill("#poll-question", "On continue ?"))
            click(desk, "#desk-stop")
            desk(lambda page: page.keyboard.press("Escape"))
            click(desk, "#desk-stop")
            click(desk, "#stop-dialog .btn-danger")
            desk.see("#desk-done:not(:empty)")
            desk.see("#desk-label.state-stopping, #desk-label.state-stopped")
            desk.gone("#desk-stop")
            assert desk(lambda page: page.input_value("#poll-question")) == "On continue ?"
    hall.livestream.refresh_from_db()
    assert hall.livestream.state in {State.STOPPING, State.STOPPED}


def test_moderator_sees_how_the_live_is_and_steers_nothing(hall, web, audience_chromium):
    moderator = make_user()
    hall.event.moderators.add(moderator)
    hall.apply(transitions.GO_LIVE)
    with visiting(audience_chromium, web.url + hall.path + "voices/", session_of(moderator)) as desk:
        desk.see("#desk-label.state-starting")
        hall.apply(transitions.MEDIA_SEEN)
        desk.see("#desk-label.state-live")
        assert desk(lambda page: page.locator(".desk-actions button").count()) == 0
        assert desk(faults) == []
