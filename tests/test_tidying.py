"""What the worker removes in time, and what it keeps."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from amphi.audience import reception
from amphi.audience.domain import publish_chat_setting
from amphi.audience.models import Airing, Guest, Message, Presence, Reception, Restraint, StreamMessage
from amphi.audience.queries import last_seq
from amphi.mails.models import Mail
from amphi.worker import tidying
from tests.factories import make_webinar

pytestmark = pytest.mark.django_db


def ago(**units: float):
    return timezone.now() - timedelta(**units)


def test_stream_messages_of_yesterday_go_and_the_numbers_go_on(settings):
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    for _ in range(3):
        publish_chat_setting(event)
    StreamMessage.objects.filter(seq__lte=2).update(created_at=ago(hours=25))
    assert tidying.tidy() == 2
    assert StreamMessage.objects.get().seq == 3
    assert last_seq(event) == 3
    assert publish_chat_setting(event) == 4


def test_mails_go_after_a_month_but_not_those_still_to_be_sent():
    sent, waiting, recent = (
        Mail.objects.create(to=f"{name}@univ.fr", attempt_at=timezone.now() if name == "waiting" else None)
        for name in ("sent", "waiting", "recent")
    )
    Mail.objects.filter(pk__in=[sent.pk, waiting.pk]).update(created_at=ago(days=31))
    assert tidying.tidy() == 1
    assert set(Mail.objects.all()) == {waiting, recent}


def test_sessions_that_expired_go(monkeypatch):
    monkeypatch.setattr("amphi.worker.tidying.MOST_AT_ONCE", 2)
    for number in range(5):
        Session.objects.create(session_key=f"old{number}", session_data="", expire_date=ago(seconds=1))
    Session.objects.create(session_key="new", session_data="", expire_date=ago(seconds=-60))
    assert tidying.tidy() == 5
    assert Session.objects.get().session_key == "new"


def test_where_guests_came_from_goes_after_a_week_and_their_names_stay(settings):
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    for viewer, days in (("aold", 8), ("anew", 6)):
        Guest.objects.create(event=event, viewer=viewer, name="Zoé", network="10.0.0.1")
        Restraint.objects.create(event=event, viewer=viewer, kind="banned", name="Zoé", network="10.0.0.1")
        Message.objects.create(
            event=event, source="listener", author_name="Zoé", text="x", viewer=viewer, network="10.0.0.1"
        )
        for model in (Guest, Restraint, Message):
            model.objects.filter(viewer=viewer).update(created_at=ago(days=days))
    tidying.tidy()
    for model in (Guest, Restraint, Message):
        assert dict(model.objects.values_list("viewer", "network")) == {"aold": "", "anew": "10.0.0.1"}
        assert model.objects.count() == 2


def test_it_is_done_each_hour(monkeypatch):
    clock = iter([1000.0, 4599.0, 4600.0, 4600.0, 4601.0, 8200.0, 8200.0])
    monkeypatch.setattr("amphi.worker.tidying.time.monotonic", lambda: next(clock))
    work = tidying.Tidying()
    assert [len(work.claim_due()) for _ in range(4)] == [0, 1, 0, 1]


def test_attendance_and_reports_of_players_go_in_time(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.ATTENDANCE_DAYS = 90
    event = make_webinar().event
    airings = [
        Airing.objects.create(event=event, began_at=ago(days=days), ended_at=ago(days=days))
        for days in (91, 2)
    ]
    for airing in airings:
        for viewer in ("u1", "abc"):
            Presence.objects.create(airing=airing, viewer=viewer, minutes=1, first_minute=1, last_minute=1)
    for days in (31, 29):
        reception.write("one", event.pk, {reception.REPORTS: 1}, ago(days=days))
    assert tidying.tidy() == 4
    assert [(row.airing, row.viewer) for row in Presence.objects.all()] == [(airings[1], "u1")]
    assert Reception.objects.count() == 1
