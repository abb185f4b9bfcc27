"""The live page in a real browser, on a real web process and a real origin."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience import domain
from amphi.audience.captions import taking
from amphi.audience.captions.taking import Sentence
from amphi.audience.models import Broadcaster, Caption, CaptionsFrom, Event
from amphi.webinars import transitions
from tests import browser, waiting
from tests.browser import axe_violations
from tests.factories import in_hours, make_gateway, make_webinar
from tests.live.pictures import origin, publishing, wait_for
from tests.live.visits import Hall, Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_page_follows_the_live_from_before_to_after(hall, web, audience_chromium):
    with visiting(audience_chromium, web.url + hall.path) as visit:
        visit.state("waiting")
        assert "Le direct n’a pas encore commencé" in visit.text("#stage-panel")
        assert "dans" in visit.text("#countdown")
        for event, state, words in (
            (transitions.GO_LIVE, "starting", "Le direct démarre"),
            (transitions.MEDIA_SEEN, "live", "Connexion au direct"),
            (transitions.MEDIA_LOST, "recovering", "Retour dans un instant"),
            (transitions.MEDIA_SEEN, "live", "Connexion au direct"),
            (transitions.STOP, "over", "Le direct est terminé"),
        ):
            hall.apply(event)
            visit.state(state)
            assert words in visit.text("#stage-panel")
            assert words in visit.text("#stage-status")
        hall.apply(transitions.GATEWAY_IDLE, transitions.GO_LIVE)
        visit.state("starting")


def test_chat_goes_both_ways(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    hall.say("Bonjour à tous")
    url = web.url + hall.path
    with (
        visiting(audience_chromium, url, session_of(hall.listener)) as writer,
        visiting(audience_chromium, url) as reader,
    ):
        for visit in (writer, reader):
            visit.state("live")
            assert visit.messages() == ["Bonjour à tous"]
        writer(lambda page: page.fill("#chat-text", "Merci <b>Marie</b>"))
        writer(lambda page: page.press("#chat-text", "Enter"))
        writer(lambda page: page.wait_for_selector("#chat-status:not(:empty)", state="attached"))
        assert writer(lambda page: page.text_content("#chat-status")) == "Message envoyé"
        hall.say("Une question ?", 2)
        for visit in (writer, reader):
            visit(lambda page: page.wait_for_selector(".chat-message:nth-of-type(3)"))
            assert visit.messages() == ["Bonjour à tous", "Merci <b>Marie</b>", "Une question ?"]
            assert visit(lambda page: page.locator(".chat-badge").count()) == 2
        assert "Vous devez être authentifié" in reader.text(".chat-foot")


def test_chat_that_closes_and_opens_and_a_message_that_is_refused(hall, web, audience_chromium):
    hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
    with visiting(audience_chromium, web.url + hall.path, session_of(hall.listener)) as visit:
        visit.see("#chat-form")
        for enabled in (False, True):
            event = hall.event
            event.enable_chat = enabled
            event.save()
            domain.publish_chat_setting(event)
            if enabled:
                visit.see("#chat-form")
            else:
                visit.gone("#chat-form")
                assert "La discussion est fermée" in visit.text(".chat-foot")
        # What is refused stays in the box.
        for number in range(10):
            domain.write_message(hall.event, user=hall.listener, text=f"message {number}")
        visit(lambda page: page.fill("#chat-text", "encore un"))
        visit(lambda page: page.click("#chat-send"))
        visit.see("#chat-error:not(:empty)")
        assert "trop vite" in visit.text("#chat-error")
        assert visit(lambda page: page.input_value("#chat-text")) == "encore un"


def test_page_comes_back_after_the_server_was_away(hall, audience_chromium, tmp_path, free_port):
    from tests.audience import web_process  # noqa: PLC0415 -- only this test starts its own

    hall.apply(transitions.GO_LIVE)
    with web_process.running(free_port, tmp_path) as first:
        url = first.url + hall.path
        with visiting(audience_chromium, url) as visit:
            visit.state("starting")
            first.stop()
            hall.apply(transitions.MEDIA_SEEN)
            hall.say("pendant l’absence")
            with web_process.running(free_port, tmp_path):
                visit.state("live")
                visit.see(".chat-message")
                assert visit.messages() == ["pendant l’absence"]


# --- accessibility


def faults(visit: Visit, name: str) -> list[str]:
    return [f"{name}: {line}" for line in visit(browser.faults)]


def test_pages_are_accessible(hall, web, audience_chromium):
    session, found = session_of(hall.listener), []
    make_webinar(
        hall.presenter, gateway=make_gateway(), name="Autre direct", is_restricted=True, start_at=in_hours(30)
    )
    with visiting(audience_chromium, web.url + hall.path, session) as visit:
        visit.state("waiting")
        found += faults(visit, "waiting")
        hall.apply(transitions.GO_LIVE)
        visit.state("starting")
        found += faults(visit, "starting")
        hall.apply(transitions.MEDIA_SEEN)
        hall.say("Bonjour")
        domain.write_message(hall.event, user=hall.listener, text="Merci")
        visit.see(".chat-message:nth-of-type(2)")
        found += faults(visit, "live")
        visit(lambda page: page.goto(web.url + "/"))
        found += faults(visit, "list")
        visit(lambda page: page.goto(web.url + "/?q=zzz"))
        found += faults(visit, "nothing found")
    hall.apply(transitions.STOP)
    with visiting(audience_chromium, web.url + hall.path, language="en") as visit:
        visit.state("over")
        found += faults(visit, "over")
    assert found == []


# --- the picture


def chooses_a_smaller_picture(visit: Visit) -> None:
    """It is fetched, and the page says how much came. When it is small is the encoder's affair, on a busy machine."""
    visit(lambda page: page.wait_for_selector("#quality"))
    offered = visit(
        lambda page: page.eval_on_selector_all("#quality option", "all => all.map(one => one.value)")
    )
    assert offered == ["", "480", "360", "sound"]
    for choice, playlist in (("360", "/360p.m3u8"), ("", "/main.m3u8")):
        visit(lambda page, choice=choice: page.select_option("#quality", choice))
        visit(
            lambda page, playlist=playlist: page.wait_for_event(
                "request", lambda request: playlist in request.url, timeout=60_000
            )
        )
        if choice:
            visit.see("#received")
            assert "Mo" in visit.text("#received-value")
        visit.see('video[data-playing="true"]')


def chooses_the_sound_alone(visit: Visit) -> list[str]:
    """The picture is no longer fetched, also after a reload, and is back at the next press; axe's violations."""
    playing = 'video[data-playing="true"]'
    asked: list[str] = []
    visit(lambda page: page.on("request", lambda request: asked.append(request.url)))

    def fetched(kind: str) -> int:
        return sum(bool(re.search(rf"/[sp]\d+{kind}\.m4s$", url)) for url in asked)

    visit(lambda page: page.focus("#quality"))
    visit(lambda page: page.keyboard.press("End"))
    visit.see("#stage-plate")
    assert "Son seul" in visit.text("#stage-plate")
    asked.clear()
    visit(lambda page: page.reload())
    visit.see("#stage-plate")
    visit.see(playing)
    visit(
        lambda page: page.wait_for_function(
            "() => document.getElementById('video').currentTime > 2"
            " && document.getElementById('video').dataset.latency < 4"
        )
    )

    def comes() -> bool:
        # What the browser asked for is told while it is waited for something in it.
        visit(lambda page: page.wait_for_timeout(50))
        return fetched("a") > 5

    waiting.wait_for(comes, "the sound")
    assert fetched("") == 0, asked
    found = visit(axe_violations)
    visit(lambda page: page.select_option("#quality", ""))
    visit.gone("#stage-plate")
    visit(lambda page: page.wait_for_function("() => document.getElementById('video').videoWidth > 0"))
    visit.see(playing)
    return found


def shows_captions(visit: Visit, hall: Hall) -> None:
    """By key and by button, in step with the picture; one that is told again takes its place, and the choice is remembered."""

    def say(text: str, *, is_final: bool) -> None:
        said = Sentence(text, name="a", is_final=is_final)
        taking.take(hall.event, said, source=CaptionsFrom.OUTSIDE)

    def shown(text: str) -> None:
        visit(
            lambda page: page.wait_for_function(
                "text => [...document.getElementById('video').textTracks].some((track) =>"
                " track.mode === 'showing' && [...track.cues].some((cue) => cue.text === text))",
                arg=text,
            )
        )

    visit(lambda page: page.focus("#player media-play-button"))
    visit(lambda page: page.keyboard.press("c"))
    visit.see('#captions[aria-pressed="true"]')
    say("Le radium <b>", is_final=False)
    shown("Le radium &lt;b&gt;")
    Caption.objects.update(changed_at=timezone.now() - timedelta(minutes=1))
    say("Le radium et le polonium", is_final=True)
    shown("Le radium et le polonium")
    assert visit(lambda page: page.evaluate("localStorage['amphi captions']")) == "yes"
    visit(lambda page: page.click("#captions"))
    visit.see('#captions[aria-pressed="false"]')
    say("C’est tout.", is_final=True)
    assert (
        visit(lambda page: page.evaluate("document.getElementById('video').textTracks[0].mode")) == "disabled"
    )


def test_page_plays_by_itself_and_stops_at_once(hall, web, audience_chromium, tmp_path):
    playing = 'video[data-playing="true"]'
    with origin(tmp_path, encoders=1) as (rtmp, http):
        hls = f"http://{http}/hls/hall.m3u8"
        Broadcaster.objects.update(hls_url=hls)
        wait_for(hls, 404)
        hall.apply(transitions.GO_LIVE, transitions.MEDIA_SEEN)
        Event.objects.update(captions_from=CaptionsFrom.OUTSIDE)
        with visiting(audience_chromium, web.url + hall.path) as visit:
            visit.state("live")
            # The page is there before the picture: it tries until it comes.
            with publishing(rtmp, size="854x480"):
                visit.see(playing)
                visit.gone("#stage-panel")
                visit.see("#sound")
                visit(lambda page: page.click("#sound"))
                assert visit(lambda page: page.evaluate("document.getElementById('video').muted")) is False
                visit.gone("#sound")
                visit(
                    lambda page: page.wait_for_function(
                        # A function: the page's policy forbids texts that are evaluated again and again.
                        "() => document.getElementById('video').dataset.latency < 4"
                    )
                )
                shows_captions(visit, hall)
                found = visit(axe_violations)
                chooses_a_smaller_picture(visit)
                found += chooses_the_sound_alone(visit)
            # The publisher is gone and comes back: so does the picture.
            hall.apply(transitions.MEDIA_LOST)
            visit.state("recovering")
            visit(lambda page: page.wait_for_selector(playing, state="detached"))
            visit.see("#stage-panel")
            with publishing(rtmp):
                hall.apply(transitions.MEDIA_SEEN)
                visit.see(playing)
                hall.apply(transitions.STOP)
                visit.state("over")
                assert visit(lambda page: page.evaluate("document.getElementById('video').paused")) is True
                assert visit(lambda page: page.locator(playing).count()) == 0
        assert found == []
