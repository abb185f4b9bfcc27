"""A replay in a real browser: watched to its end, with its discussion, questions, polls and chapters."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from amphi.audience.models import (
    Airing,
    Caption,
    Event,
    Message,
    Poll,
    PollChoice,
    Question,
    Replay,
    ReplayFor,
)
from amphi.audience.replays import editing
from amphi.audience.replays.editing import Mark
from tests.audience import reels, web_process
from tests.browser import faults
from tests.live.visits import Hall, Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECONDS = 10


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> tuple[bytes, list[bytes]]:
    return reels.pictures(tmp_path_factory.mktemp("pictures"), SECONDS)


@pytest.fixture
def recording_web(transactional_db, free_port, tmp_path) -> Iterator[web_process.Web]:
    """`amphi web` with recordings, on the tests' database."""
    with web_process.running(free_port, tmp_path, AMPHI_RECORDINGS=str(tmp_path / "recordings")) as one:
        yield one


@dataclass
class Seen:
    replay: Replay
    url: str


@pytest.fixture
def seen(hall: Hall, recording_web, tmp_path: Path, settings, pictures) -> Seen:
    """A webinar that was live for ten seconds, with something said in it."""
    settings.RECORDINGS = tmp_path / "recordings"
    began_at = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    event = hall.event
    airing = Airing.objects.create(event=event, began_at=began_at, ended_at=began_at + timedelta(seconds=30))
    replay = Replay.objects.create(airing=airing, shown_to=ReplayFor.ATTENDEES)
    init, chunks = pictures
    reels.record(settings.RECORDINGS, event.pk, began_at, chunks, init=init)
    for seconds, text in ((1, "Bonjour à tous"), (8, "Merci !")):
        row = Message.objects.create(event=event, source="listener", author_name="Hugo Bernard", text=text)
        Message.objects.filter(pk=row.pk).update(created_at=began_at + timedelta(seconds=seconds))
    question = Question.objects.create(
        event=event, author_name="Hugo", text="Pourquoi ?", answer="Parce que."
    )
    Question.objects.filter(pk=question.pk).update(created_at=began_at + timedelta(seconds=3))
    poll = Poll.objects.create(
        event=event, question="D’accord ?", state="closed", results_shown=True, opened_at=began_at
    )
    for position, text in enumerate(("Oui", "Non")):
        PollChoice.objects.create(poll=poll, position=position, text=text)
    editing.set_chapters(
        replay, [Mark(began_at, "Début"), Mark(began_at + timedelta(seconds=6), "Les rayons")]
    )
    for second, text in ((2, "Le radium brille."), (7, "Voici l’élément <Po>.")):
        at = began_at + timedelta(seconds=second)
        Caption.objects.create(airing=airing, name=text, at=at, until=at + timedelta(seconds=2), text=text)
    Event.objects.filter(pk=event.pk).update(state="over", enable_chat=True)
    return Seen(replay, recording_web.url + hall.path)


def play(page: Page, rate: float) -> None:
    page.evaluate(
        "rate => { const video = document.getElementById('video'); video.muted = true; video.playbackRate = rate; return video.play(); }",
        rate,
    )


def at(visit: Visit) -> float:
    return float(visit(lambda page: page.evaluate("document.getElementById('video').currentTime")))


def reads_the_captions(visit: Visit) -> None:
    """By the key over the picture, and as a text that leads into the replay."""
    # At rest: at four times its speed a caption is soon gone.
    visit(
        lambda page: page.evaluate(
            "() => { const video = document.getElementById('video'); video.pause(); video.currentTime = 2.5; }"
        )
    )
    visit(lambda page: page.focus("#captions"))
    visit(lambda page: page.keyboard.press("c"))
    visit(
        lambda page: page.wait_for_function(
            "() => document.getElementById('captions-track').track.activeCues?.[0]?.text === 'Le radium brille.'"
        )
    )
    visit(lambda page: page.click("#transcript summary"))
    visit.see("#transcript-list >> text=Voici l’élément <Po>.")
    visit(lambda page: page.fill("#transcript-search", "ELEMENT"))
    visit.gone("#transcript-list >> text=Le radium brille.")
    visit(lambda page: page.click("#transcript-list .place >> visible=true"))
    visit(lambda page: page.wait_for_function("() => document.getElementById('video').currentTime >= 6.9"))


def test_replay_is_watched_to_its_end(seen, audience_chromium):
    with visiting(audience_chromium, seen.url) as visit:
        # The live page led here.
        assert visit.page.url.endswith(f"/replay/{seen.replay.pk}/")
        visit.see("#chat")
        assert visit.messages() == []
        visit(lambda page: play(page, 4))
        visit.see(".chat-message >> text=Bonjour à tous")
        assert visit.messages() == ["Bonjour à tous"]
        visit(lambda page: page.wait_for_selector("#stage[data-ended]"))
        assert visit.messages() == ["Bonjour à tous", "Merci !"]
        assert at(visit) == pytest.approx(SECONDS, abs=0.5)
        # A press on a chapter goes there, and what came later is gone again.
        visit(lambda page: page.click("#chapters >> text=Les rayons"))
        visit.see('#chapters [aria-current="true"] >> text=Les rayons')
        visit(lambda page: page.evaluate("document.getElementById('video').pause()"))
        # It played on until then: the address names where it is.
        shown = int(at(visit))
        assert 6 <= shown < SECONDS
        visit.see(f'#share[data-copy$="?t={shown}"]')
        visit(lambda page: page.click("#tab-questions"))
        assert "Parce que." in visit.text("#questions-list")
        visit(lambda page: page.click("#tab-polls"))
        assert "Oui" in visit.text("#polls-list")
        visit(lambda page: page.click("#tab-chat"))
        visit(lambda page: page.click(".chat-message .place"))
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').currentTime < 5"))
        reads_the_captions(visit)
        assert visit(faults) == []
    with visiting(audience_chromium, f"{seen.url}replay/{seen.replay.pk}/?t=5s") as visit:
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').currentTime >= 5"))
    # The live is on again: it is seen from its start, behind it.
    Airing.objects.update(ended_at=None)
    with visiting(audience_chromium, f"{seen.url}replay/{seen.replay.pk}/") as visit:
        visit(lambda page: play(page, 4))
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').currentTime > 3"))
        assert visit(lambda page: page.get_attribute(".btn-go-live", "href")) in seen.url
        visit.see(".chat-message >> text=Bonjour à tous")


def test_presenters_prepare_a_replay(seen, hall, audience_chromium, recording_web):
    url = recording_web.url + reverse("webinars:replays", args=[hall.livestream.meeting.slug])
    with visiting(audience_chromium, url, session_of(hall.presenter)) as visit:
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').readyState >= 2"))
        visit(lambda page: page.evaluate("document.getElementById('video').currentTime = 4"))
        visit(lambda page: page.click('[data-here="id_start"]'))
        shown = timezone.localtime(seen.replay.airing.began_at + timedelta(seconds=4)).strftime("%H:%M:%S")
        assert visit(lambda page: page.input_value("#id_start")) == shown
        assert visit(faults) == []
        visit(lambda page: page.click("#trim [type=submit]"))
        visit.see(".alert >> text=Rediffusion modifiée")
        # Its captions, line by line.
        visit(lambda page: page.goto(f"{url.removesuffix('replays/')}captions/"))
        visit(lambda page: page.fill("#lines li:nth-child(1) input", "Le radium luit."))
        visit(lambda page: page.keyboard.press("Enter"))
        visit(lambda page: page.keyboard.press("Control+A"))
        visit(lambda page: page.keyboard.type("Le polonium."))
        visit(lambda page: page.click("#lines li:nth-child(2) .place"))
        # Counted from where the replay begins now.
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').currentTime > 2.9"))
        assert visit(faults) == []
        visit(lambda page: page.click("#lines [type=submit]"))
        visit.see(".alert >> text=2 sous-titres modifiés")
    assert list(Caption.objects.values_list("text", flat=True)) == ["Le radium luit.", "Le polonium."]
    seen.replay.refresh_from_db()
    assert seen.replay.start_at == seen.replay.airing.began_at + timedelta(seconds=4)
