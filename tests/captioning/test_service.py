"""Which lives are heard, by whom, and what becomes of what was said; and the settings that name an engine."""

import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from amphi.audience.captions import choosing
from amphi.audience.captions.taking import Sentence
from amphi.audience.models import Airing, Broadcaster, Caption, CaptionFeed, CaptionsFrom, Event
from amphi.captioning import service
from amphi.captioning.engines.sphinx import SphinxEngine
from amphi.captioning.engines.vosk import VoskEngine
from amphi.captioning.engines.whisper import WhisperEngine
from amphi.checkup import captions as checkup
from amphi.system import tickets
from amphi.system.configuration import engine_urls
from amphi.system.environment import InvalidSettingError, Reader
from tests.audience.hall import hall


@pytest.fixture
def event(db, settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    settings.CAPTIONS_ENGINE = "pocketsphinx"
    settings.CAPTIONS_URLS = {}
    event = hall()
    choosing.choose(event, source=CaptionsFrom.ENGINE, language="en")
    Airing.objects.create(event=event, began_at=timezone.now() - timedelta(minutes=1))
    return event


@pytest.mark.parametrize(
    ("columns", "is_heard"),
    [
        ({}, True),
        ({"state": "recovering"}, True),
        ({"state": "starting"}, False),
        ({"state": "over"}, False),
        ({"is_backstage": True}, False),
        ({"captions_from": CaptionsFrom.OUTSIDE}, False),
    ],
)
def test_lives_on_the_air_are_heard_by_one_process(event, columns, is_heard):
    Event.objects.filter(pk=event.pk).update(**columns)
    assert (service.unheard() == 1) is is_heard
    assert len(service.claim_due(limit=9, worker="a")) == (1 if is_heard else 0)
    assert service.claim_due(limit=9, worker="b") == []
    assert service.unheard() == 0


@pytest.mark.parametrize(
    "columns",
    [{"state": "over"}, {"captions_language": "fr"}, {"captions_from": ""}, {"broadcaster": None}],
    ids=str,
)
def test_session_ends_when_it_is_no_longer_wanted(event, columns, monkeypatch):
    monkeypatch.setattr(service, "LOOK_EVERY_S", 0)
    (lease,) = service.claim_due(limit=1, worker="a")
    stopping = threading.Event()
    over = service._over(lease, event, stopping)
    assert not over()
    if "broadcaster" in columns:
        columns = {"broadcaster": Broadcaster.objects.create(name="b", slug="b", hls_url="http://h/b.m3u8")}
    Event.objects.filter(pk=event.pk).update(**columns)
    assert over()


def test_session_ends_with_its_lease_and_its_process(event, monkeypatch):
    monkeypatch.setattr(service, "LOOK_EVERY_S", 0)
    (lease,) = service.claim_due(limit=1, worker="a")
    stopping = threading.Event()
    over = service._over(lease, event, stopping)
    CaptionFeed.objects.update(claimed_by="b")
    assert over()
    CaptionFeed.objects.update(claimed_by=lease.holder)
    assert not over()
    stopping.set()
    assert over()


def test_what_was_said_is_kept_unless_it_can_not_be(event):
    service._keep(event.pk, Sentence("hello"))
    assert Caption.objects.get().text == "hello"
    Airing.objects.update(ended_at=timezone.now() - timedelta(hours=1))
    service._keep(event.pk, Sentence("too late"))
    service._keep(event.pk + 1000, Sentence("nowhere"))
    assert Caption.objects.count() == 1


def test_sound_is_asked_for_with_a_ticket_of_its_own(event, settings):
    assert service.address(event) == event.broadcaster.hls_url
    settings.AMPHI_TICKET_KEY = "k" * 32
    event.broadcaster.has_tickets = True
    _, _, text, *_ = urlsplit(service.address(event)).path.split("/")
    held = tickets.verify(b"k" * 32, text, now=timezone.now().timestamp())
    assert (held.event_id, held.stream) == (event.pk, event.broadcaster.stream)


@pytest.mark.parametrize(
    ("name", "urls", "kind"),
    [
        ("vosk", {"fr": "ws://127.0.0.1:2700"}, VoskEngine),
        ("whisper", {"": "http://127.0.0.1:8000"}, WhisperEngine),
        ("pocketsphinx", {}, SphinxEngine),
    ],
)
def test_engine_of_the_settings(settings, name, urls, kind):
    settings.CAPTIONS_ENGINE, settings.CAPTIONS_URLS = name, urls
    assert isinstance(service.engine(), kind)


@pytest.mark.parametrize(
    ("engine", "given", "wanted"),
    [
        ("", "", {}),
        ("pocketsphinx", "", {}),
        ("vosk", "ws://127.0.0.1:2700", {"": "ws://127.0.0.1:2700"}),
        ("vosk", "fr=ws://a:1,en=wss://b/x/", {"fr": "ws://a:1", "en": "wss://b/x"}),
        ("whisper", "http://a:8000/", {"": "http://a:8000"}),
        ("vosk", "", None),
        ("vosk", "http://a", None),
        ("vosk", "fr=", None),
        ("whisper", "fr=http://a", None),
        ("whisper", "ws://a", None),
    ],
)
def test_addresses_of_engines(engine, given, wanted):
    conf = Reader(environ={"AMPHI_CAPTIONS_URL": given})
    if wanted is None:
        with pytest.raises(InvalidSettingError, match="AMPHI_CAPTIONS_URL"):
            engine_urls(conf, "AMPHI_CAPTIONS_URL", engine=engine)
    else:
        assert engine_urls(conf, "AMPHI_CAPTIONS_URL", engine=engine) == wanted


@pytest.mark.parametrize(
    ("engine", "urls", "languages"),
    [
        ("pocketsphinx", {}, {"en"}),
        ("vosk", {"fr": "ws://a", "de": "ws://b"}, {"fr", "de"}),
        ("vosk", {"": "ws://a"}, set(choosing.LANGUAGES)),
        ("whisper", {"": "http://a"}, set(choosing.LANGUAGES)),
    ],
)
def test_languages_of_the_platform(settings, engine, urls, languages):
    settings.CAPTIONS_ENGINE, settings.CAPTIONS_URLS = engine, urls
    assert set(choosing.engine_languages()) == languages
    assert "engine" in dict(choosing.sources())
    settings.CAPTIONS_ENGINE = ""
    assert "engine" not in dict(choosing.sources())


def test_check(event, settings):
    assert [finding.level for finding in checkup.check_engine()] == ["OK"]
    assert [finding.level for finding in checkup.check_process()] == ["WARN"]
    service.claim_due(limit=1, worker="a")
    assert list(checkup.check_process()) == []
    settings.CAPTIONS_ENGINE, settings.CAPTIONS_URLS = (
        "vosk",
        {"fr": "ws://127.0.0.1:9", "en": "ws://127.0.0.1:9"},
    )
    found = list(checkup.check_engine())
    assert [(finding.level, finding.subject) for finding in found] == [
        ("WARN", "vosk fr"),
        ("WARN", "vosk en"),
    ]
    settings.CAPTIONS_ENGINE = ""
    assert [*checkup.check_engine(), *checkup.check_process()] == []
