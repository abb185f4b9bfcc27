"""One lease for all that workers do: who has it, who lost it, and what happens when work fails."""

import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from amphi.audience.models import Channel
from amphi.mails.models import Mail
from amphi.system import leases
from amphi.system.leases import Lease, LeaseLostError
from amphi.webinars import domain
from amphi.webinars.models import Livestream
from amphi.worker import claims
from amphi.worker.main import Lane
from tests.factories import make_webinar
from tests.waiting import wait_for

LENGTH = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True


def write(number: int = 1) -> None:
    now = timezone.now()
    for one in range(number):
        Mail.objects.create(to=f"{one}@example.org", subject=str(one), attempt_at=now)


def claim(worker: str, *, limit: int = 9, length: timedelta = LENGTH) -> list[Lease]:
    due = Mail.objects.filter(attempt_at__lte=timezone.now()).order_by("pk")
    return leases.claim(due, worker=worker, limit=limit, length=length)


@pytest.mark.django_db
class TestLease:
    def test_row_is_had_by_one(self):
        write(3)
        assert [len(claim("one", limit=2)), len(claim("two")), len(claim("three"))] == [2, 1, 0]

    def test_row_of_a_dead_worker_is_taken_over(self):
        write()
        claim("one", length=timedelta(seconds=-1))
        assert len(claim("two")) == 1

    def test_released_row_is_free_and_written(self):
        write()
        (lease,) = claim("one")
        assert lease.release(last_error="why")
        assert Mail.objects.get().last_error == "why"
        assert len(claim("two")) == 1

    def test_who_lost_a_lease_writes_nothing(self):
        write()
        (lost,) = claim("one", length=timedelta(seconds=-1))
        (held,) = claim("two")
        assert not lost.release(last_error="late")
        with pytest.raises(LeaseLostError), lost.writing():
            Mail.objects.update(last_error="late")
        lost.rest()
        leases.leave([lost])
        leases.renew([lost])
        stored = Mail.objects.get()
        assert (stored.claimed_by, stored.last_error, stored.failures) == (held.holder, "", 0)

    def test_lease_is_renewed_while_it_is_held_and_never_taken_back(self):
        write(2)
        first, second = claim("one", length=timedelta(seconds=5))
        Mail.objects.filter(pk=second.pk).update(claimed_until=None)
        leases.renew([Lease(one.rows, one.pk, one.holder, LENGTH) for one in (first, second)])
        later = timezone.now() + timedelta(seconds=30)
        assert Mail.objects.get(pk=first.pk).claimed_until > later
        assert Mail.objects.get(pk=second.pk).claimed_until is None

    def test_left_row_is_free_at_once(self):
        write()
        leases.leave(claim("one"))
        assert len(claim("two")) == 1

    def test_work_that_fails_rests_ever_longer_and_the_other_rows_go_on(self):
        write(2)
        rests = []
        for _ in range(8):
            Mail.objects.update(claimed_until=None)
            lease, other = claim("one")
            before = timezone.now()
            lease.rest()
            assert other.release()
            rests.append(round((Mail.objects.get(pk=lease.pk).claimed_until - before).total_seconds()))
            assert [one.pk for one in claim("two")] == [other.pk]
        assert rests == [2, 4, 8, 16, 32, 60, 60, 60]
        assert Mail.objects.get(pk=other.pk).failures == 0

    def test_request_that_came_meanwhile_is_not_forgotten(self):
        livestream = make_webinar()
        read = timezone.now()
        Livestream.objects.update(look_at=read)
        then = read + timedelta(seconds=5)
        for asked in (read + timedelta(seconds=1), None):
            Livestream.objects.filter(pk=livestream.pk).update(look_at=asked)
            Livestream.objects.update(look_at=leases.unless_asked_anew("look_at", read, then))
            assert Livestream.objects.get().look_at == asked
        for value in (then, None):
            Livestream.objects.update(look_at=read)
            Livestream.objects.update(look_at=leases.unless_asked_anew("look_at", read, value))
            assert Livestream.objects.get().look_at == value


@pytest.mark.django_db(transaction=True)
def test_race_of_many_workers_has_one_winner():
    write(3)
    barrier, won = threading.Barrier(8), []

    def race(name: str) -> None:
        barrier.wait(10)
        won.extend(claim(name))
        connection.close()

    threads = [threading.Thread(target=race, args=(f"worker-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len({lease.pk for lease in won}) == len(won) == 3


@pytest.mark.django_db(transaction=True)
def test_lane_outlives_work_that_raises_what_nobody_expected(caplog):
    write(3)
    poison = Mail.objects.order_by("pk")[0]
    done = []

    def work(lease: Lease) -> None:
        if lease.pk == poison.pk:
            raise RuntimeError("nobody expected this")
        lease.release(attempt_at=None)
        done.append(lease.pk)

    lane = Lane("test", 1, claim=lambda free: claim("one", limit=free), do=work)

    def is_done() -> bool:
        lane.take()
        return len(done) == 2 and not lane.in_hand()

    wait_for(is_done, "the other rows' work")
    lane._pool.submit(connections.close_all).result(30)  # in its thread
    poison.refresh_from_db()
    assert (poison.failures, poison.claimed_by) == (1, "")
    assert poison.claimed_until > timezone.now()
    assert "nobody expected this" in caplog.text


@pytest.mark.django_db
def test_channel_is_leased_beside_its_messages():
    livestream = make_webinar()
    channel, _ = Channel.objects.get_or_create(event=livestream.event)
    (lease,) = leases.claim(Channel.objects.all(), worker="one", limit=1, length=LENGTH)
    assert lease.pk == channel.pk
    assert lease.release()


# --- looks


@pytest.fixture
def due(db) -> Livestream:
    livestream = make_webinar()
    domain.go_live(livestream, user=livestream.meeting.owner)
    return livestream


def test_look_is_claimed_when_it_is_due(due):
    (lease,) = claims.claim_due("one", limit=9)
    assert lease.pk == due.pk
    assert claims.claim_due("two", limit=9) == []
    lease.release(look_at=timezone.now() + timedelta(seconds=5))
    assert claims.claim_due("two", limit=9) == []


def test_look_of_who_lost_the_lease_is_not_begun(due):
    (lost,) = claims.claim_due("one", limit=9, lease=timedelta(seconds=-1))
    (held,) = claims.claim_due("two", limit=9)
    claims.carry_out(lost)
    due.refresh_from_db()
    assert due.claimed_by == held.holder


def test_worker_that_begins_ends_the_leases_of_those_that_died_on_its_machine(db):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(30)
    names = {
        "dead": f"host-{child.pid}",
        "own name, of a container before": f"host-{os.getpid()}",
        "alive": f"host-{os.getppid()}",
        "elsewhere": f"other-host-{child.pid}",
        "nonsense": "host",
    }
    write(len(names))
    for name in names.values():
        assert claim(name, limit=1)
    claims.free_leases_of_the_dead(f"host-{os.getpid()}")
    held = {one.rpartition("/")[0] for one in Mail.objects.values_list("claimed_by", flat=True) if one}
    assert held == {names[name] for name in ("alive", "elsewhere", "nonsense")}
