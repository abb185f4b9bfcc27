"""Two who act on one webinar, or on one gateway, at the same moment: row locks, so on PostgreSQL."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.domain import publish_chat_setting, write_message
from amphi.audience.exceptions import NothingRunsError
from amphi.audience.models import Channel, Event
from amphi.mails.models import Mail
from amphi.meetings.domain import MeetingFields, fields_of
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.webinars import domain, invitations, planning
from amphi.webinars.deletion import delete
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import LiveGateway, Livestream, Removal, State
from amphi.webinars.saving import update_meeting
from amphi.worker import answers, supervisor
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put
from tests.webinars.looking import retire

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


def waiting() -> int:
    """How many other connections to this test's database wait for a lock; tests that run at once share the server.

    A lock on a transaction names no database, but who waits for one has locked tables of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT waits.pid) FROM pg_locks waits JOIN pg_locks held ON held.pid = waits.pid "
            "AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "WHERE NOT waits.granted"
        )
        return int(cursor.fetchone()[0])


def waits_for_a_lock() -> bool:
    return waiting() > 0


def wait_until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def settle(*others: Other) -> None:
    """Wait until each of `others` is done or waits for a lock."""
    wait_until(lambda: waiting() + sum(other.is_done() for other in others) >= len(others))


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


# --- one order of locks


def _save(meeting: Meeting) -> None:
    fields = MeetingFields(name="Autre", start_at=in_hours(5), duration=HOUR, is_webinar=True)
    update_meeting(meeting, user=meeting.owner, fields=fields)


def _uncheck(meeting: Meeting) -> None:
    update_meeting(meeting, user=meeting.owner, fields=replace(fields_of(meeting), is_webinar=False))


def _delete(meeting: Meeting) -> None:
    delete(meeting, user=meeting.owner, tells_invited=True)


def _set_chat(meeting: Meeting) -> None:
    domain.set_chat(meeting, enabled=False, user=meeting.owner)


def _start(meeting: Meeting) -> None:
    livestream = domain.livestream_of(meeting)
    if livestream is not None:
        domain.go_live(livestream, user=meeting.owner)


def _say(meeting: Meeting) -> None:
    """The owner writes in the chat, whatever the state: only the locks matter here. Of an event that is gone nothing is stored."""
    event = Event.objects.filter(livestream__meeting=meeting).first()
    try:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=meeting.owner_id)
            if event is not None:
                publish_chat_setting(event)
    except IntegrityError:
        assert not Event.objects.exists()


def _hold(what: str, livestream: Livestream) -> None:
    """Lock one row of a webinar, so that others queue behind it."""
    rows = {
        "meeting": Meeting.objects.filter(pk=livestream.meeting_id),
        "livestream": Livestream.objects.filter(pk=livestream.pk),
        "channel": Channel.objects.filter(pk=livestream.event_id),
    }[what]
    assert rows.select_for_update(of=("self",)).first() is not None


@pytest.mark.parametrize("held", ["meeting", "livestream", "channel"])
@pytest.mark.parametrize("first", [_save, _delete])
@pytest.mark.parametrize("second", [_save, _uncheck, _delete, _set_chat, _start, _say])
@pytest.mark.django_db(transaction=True)
def test_two_who_act_on_one_webinar_never_wait_in_a_circle(settings, first, second, held):
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar()
    Channel.objects.create(event=livestream.event)
    meeting = Meeting.objects.select_related("owner", "site").get()
    with transaction.atomic():
        _hold(held, livestream)
        one = Other(lambda: first(meeting))
        settle(one)
        two = Other(lambda: second(Meeting.objects.select_related("owner", "site").get(pk=meeting.pk)))
        settle(one, two)
    refused = 0
    for other in (one, two):
        try:
            other.wait()
        except MeetingError:
            refused += 1
    assert refused <= 1


# --- what was read before waiting is read again


@pytest.mark.django_db(transaction=True)
def test_edit_that_waits_for_a_deletion_revives_nothing():
    livestream = make_webinar()
    meeting = livestream.meeting
    with transaction.atomic():
        planning.lock_gateways(meeting.site)
        edit = Other(lambda: _save(meeting))
        wait_until(waits_for_a_lock)
        _delete(meeting)
    with pytest.raises(MeetingDeletedError):
        edit.wait()
    assert not Meeting.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_edit_that_waits_for_the_deletion_of_a_live_leaves_it_going():
    livestream = make_webinar()
    put(livestream, State.LIVE)
    meeting = livestream.meeting
    with transaction.atomic():
        planning.lock_gateways(meeting.site)
        edit = Other(lambda: _save(meeting))
        wait_until(waits_for_a_lock)
        _delete(meeting)
    with pytest.raises(MeetingDeletedError):
        edit.wait()
    stored = Livestream.objects.get()
    assert (stored.removal, stored.state, stored.meeting.name) == (
        Removal.DELETE,
        State.STOPPING,
        meeting.name,
    )


@pytest.mark.django_db(transaction=True)
def test_message_that_waits_for_the_deletion_of_its_event_is_refused():
    livestream = make_webinar()
    put(livestream, State.LIVE)
    event, writer = Event.objects.select_related("broadcaster").get(), make_user()
    Channel.objects.create(event=event)
    with transaction.atomic():
        Channel.objects.select_for_update().get()
        message = Other(lambda: write_message(event, user=writer, text="Bonjour"))
        wait_until(waits_for_a_lock)
        Event.objects.get().delete()
    with pytest.raises(NothingRunsError):
        message.wait()
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", [State.IDLE, State.LIVE])
@pytest.mark.django_db(transaction=True)
def test_deletion_pressed_twice_mails_once(state):
    livestream = make_webinar()
    put(livestream, state)
    meeting = livestream.meeting
    letter = invitations.Letter(role=invitations.Role.LISTENER, language="fr")
    invitations.invite(meeting, ["jean@univ.fr"], letter, user=meeting.owner)
    Mail.objects.all().delete()
    with transaction.atomic():
        planning.lock_gateways(meeting.site)
        presses = [Other(lambda: _delete(meeting)) for _ in range(2)]
        wait_until(lambda: waiting() >= 2)
    for press in presses:
        press.wait()
    assert Mail.objects.count() == 1


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
    long_ago = timezone.now() - answers.STOP_GIVES_UP - timedelta(seconds=1)
    Livestream.objects.update(state_since=long_ago)
    look(livestream)
    assert livestream.state == State.FAILED
    assert stage.jobs[job] == "joining"
    stage.broken.clear()
    retire()
    assert stage.jobs[job] == "idle"
