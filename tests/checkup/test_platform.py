"""The checks of the platform itself: what each finds well, and what it says where something is wrong."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience.models import Broadcaster, Event
from amphi.checkup import platform
from amphi.mails.models import Mail
from amphi.webinars import transitions
from amphi.webinars.models import LiveGateway, Livestream, WorkerPulse
from amphi.worker import claims
from tests.checkup.findings import NOBODY, brief, only
from tests.factories import make_gateway, make_webinar
from tests.wire import WireServer, answer


def test_web(settings):
    with WireServer(lambda _: answer("ok\n", content_type="text/javascript; charset=utf-8")) as server:
        settings.AMPHI_URL = server.url
        assert [level for level, _ in brief(platform.check_web())] == ["OK", "OK"]
    with WireServer(lambda _: answer("no", "502 Bad Gateway")) as server:
        settings.AMPHI_URL = server.url
        assert "502" in only(platform.check_web())[1]
    settings.AMPHI_URL = NOBODY
    assert only(platform.check_web())[0] == "FAIL"


KEY = "k" * 32


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("x", content_type="application/octet-stream"), "type application/octet-stream"),
        (answer("x"), "type none"),
        (answer("no", "404 Not Found"), "HTTP status 404"),
    ],
    ids=["the type that Debian's nginx gives", "no type", "missing"],
)
def test_player_that_browsers_can_not_run(settings, reply, words):
    with WireServer(lambda one: answer("ok\n") if one.path == "/healthz" else reply) as server:
        settings.AMPHI_URL = server.url
        web, player = brief(platform.check_web())
    assert web[0] == "OK"
    assert player[0] == "FAIL"
    assert words in player[1]


def test_mail(settings):
    settings.EMAIL_BACKEND = "amphi.mails.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert only(platform.check_mail())[0] == "WARN"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert only(platform.check_mail())[0] == "OK"


def test_mails_that_were_given_up(db):
    now = timezone.now()
    Mail.objects.create(to="a@example.org", attempt_at=now)
    Mail.objects.create(to="b@example.org", attempt_at=None, sent_at=now)
    assert brief(platform.check_refused_mails()) == []
    Mail.objects.create(to="c@example.org", attempt_at=None)
    level, sentence = only(platform.check_refused_mails())
    assert level == "WARN"
    assert sentence.startswith("1 emails of the last day were given up.")
    Mail.objects.update(created_at=now - timedelta(days=2))
    assert brief(platform.check_refused_mails()) == []


def test_database(db):
    assert only(platform.check_database()) == ("OK", "its tables are current.")


def test_worker(db):
    level, sentence = only(platform.check_worker())
    assert level == "FAIL"
    assert "systemctl start amphi-worker" in sentence
    claims.pulse("one-of-them")
    assert only(platform.check_worker()) == ("OK", "1 at work.")
    livestream = make_webinar()
    transitions.apply(livestream, transitions.GO_LIVE, user=None)
    assert only(platform.check_worker())[0] == "OK"
    Livestream.objects.update(look_at=livestream.starts_at.replace(year=2020))
    assert only(platform.check_worker())[0] == "FAIL"


def test_worker_that_was_heard_of_long_ago_or_has_ended(db):
    claims.pulse("one-of-them")
    WorkerPulse.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    assert only(platform.check_worker())[0] == "FAIL"
    claims.pulse("another")
    assert only(platform.check_worker()) == ("OK", "1 at work.")
    claims.pulse_no_more("another")
    assert only(platform.check_worker())[0] == "FAIL"
    WorkerPulse.objects.update(seen_at=timezone.now() - timedelta(days=2))
    claims.pulse("another")
    assert list(WorkerPulse.objects.values_list("name", flat=True)) == ["another"]


@pytest.mark.parametrize(
    "closed", [{"is_restricted": True}, {"is_draft": True}, {"password": "sesame"}], ids=str
)
def test_tickets(db, settings, closed):
    settings.AMPHI_TICKET_KEY = ""
    assert brief(platform.check_tickets()) == []
    make_gateway()
    make_webinar()
    assert brief(platform.check_tickets()) == []
    Event.objects.update(**closed)
    assert only(platform.check_tickets())[0] == "FAIL"
    settings.AMPHI_TICKET_KEY = KEY
    assert only(platform.check_tickets())[0] == "WARN"
    Broadcaster.objects.update(has_tickets=True)
    assert only(platform.check_tickets())[0] == "OK"


def test_live_gateway_without_a_key(db):
    make_gateway("room")
    LiveGateway.objects.update(rtmp_stream_url="rtmp://127.0.0.1/live/room?key=k")
    assert brief(platform.check_keys()) == []
    LiveGateway.objects.update(rtmp_stream_url="rtmp://127.0.0.1/live/room?other=k")
    assert only(platform.check_keys())[0] == "WARN"


def test_settings(settings):
    settings.AMPHI_TICKET_KEY = "short"
    found = [one for one in platform.check_settings() if one.subject == "amphi.E006"]
    assert [one.level for one in found] == ["FAIL"]
    assert "openssl" in found[0].sentence
    assert json.dumps(found[0].as_dict())
