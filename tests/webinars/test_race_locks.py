"""Two who act on one webinar, or on one gateway, at the same moment: row locks, so on PostgreSQL."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from amphi.meetings.domain import MeetingFields
from amphi.webinars import domain, planning
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.webinars.saving import update_meeting
from amphi.worker import supervisor
from tests.factories import in_hours, make_gateway, make_webinar

PATIENCE_S = 60
HOUR = timedelta(hours=1)


class Other:
    """Another person's request, in a thread and a connection of its own."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 -- carried to the test's own thread
            self.error = error
        finally:
            connection.close()

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        self._thread.join(PATIENCE_S)
        assert self.is_done()
        if self.error is not None:
            raise self.error


def waits_for_a_lock() -> bool:
    """Whether another connection waits for what this one has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def wait_until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_edit_that_waits_for_a_start_leaves_the_live_on_its_gateway():
    make_gateway("one"), make_gateway("two")
    later = in_hours(9)
    livestream, other = make_webinar(), make_webinar(start_at=later)
    assert livestream.gateway == other.gateway
    meeting = livestream.meeting
    fields = MeetingFields(name="Cours", start_at=later, duration=HOUR, is_webinar=True)
    with transaction.atomic():
        planning.lock_gateways(meeting.site)
        edit = Other(lambda: update_meeting(meeting, user=meeting.owner, fields=fields))
        wait_until(waits_for_a_lock)
        domain.go_live(livestream, user=meeting.owner)
    edit.wait()
    stored = Livestream.objects.get(pk=livestream.pk)
    assert (stored.state, stored.gateway, stored.starts_at) == (State.STARTING, livestream.gateway, later)


@pytest.mark.django_db(transaction=True)
def test_restart_does_not_wait_for_those_who_plan():
    livestream = make_webinar()
    Livestream.objects.update(state=State.LIVE)
    livestream.refresh_from_db()
    user = livestream.meeting.owner
    with transaction.atomic():
        planning.lock_gateways(livestream.meeting.site)
        restart = Other(lambda: domain.restart_live(livestream, user=user))
        wait_until(lambda: restart.is_done() or waits_for_a_lock())
        assert restart.is_done()
    restart.wait()
    assert Livestream.objects.get().state == State.RECOVERING


def look(livestream: Livestream) -> None:
    livestream.refresh_from_db()
    supervisor.look(livestream)
    livestream.refresh_from_db()


def test_second_live_on_one_gateway_begins_only_when_the_first_is_over(livestream, stage):
    following = make_webinar(start_at=livestream.ends_at + HOUR, gateway=livestream.gateway)
    assert following.gateway == livestream.gateway
    assert LiveGateway.objects.count() == 1
    for one in (livestream, following):
        domain.go_live(one, user=one.meeting.owner)
    stage.sequence, stage.advancing = 1, True
    for _ in range(3):
        look(following)
        look(livestream)
    assert (livestream.state, following.state) == (State.LIVE, State.STARTING)
    assert following.last_error == "gateway_full"
    assert stage.count("PUT /jobs/") == 1

    domain.stop_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    assert livestream.state == State.STOPPED
    for _ in range(3):
        look(following)
    assert following.state == State.LIVE
    assert list(stage.jobs) == [str(livestream.job_id), str(following.job_id)]


def test_live_whose_stop_was_given_up_is_stopped_when_the_gateway_is_back(livestream, stage):
    domain.go_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    job = str(livestream.job_id)
    stage.broken["gateway"] = 500
    domain.stop_live(livestream, user=livestream.meeting.owner)
    long_ago = timezone.now() - supervisor.STOP_GIVES_UP - timedelta(seconds=1)
    Livestream.objects.update(state_since=long_ago)
    look(livestream)
    assert livestream.state == State.FAILED
    assert stage.jobs[job] == "joining"
    stage.broken.clear()
    look(livestream)
    assert stage.jobs[job] == "idle"
