"""Who looks at which livestream."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from amphi.webinars import domain
from amphi.webinars.models import Livestream
from amphi.worker import claims
from tests.factories import make_webinar

LEASE = timedelta(seconds=60)


@pytest.fixture
def due(db) -> Livestream:
    livestream = make_webinar()
    domain.go_live(livestream, user=livestream.meeting.owner)
    return livestream


def test_claim_is_had_by_one(due):
    assert [claim.livestream_id for claim in claims.claim_due("one", limit=9, lease=LEASE)] == [due.pk]
    assert claims.claim_due("two", limit=9, lease=LEASE) == []


def test_claim_of_a_dead_worker_is_taken_over(due):
    claims.claim_due("one", limit=9, lease=timedelta(seconds=-1))
    assert len(claims.claim_due("two", limit=9, lease=LEASE)) == 1


def test_release_sets_the_next_look_and_frees(due):
    (claim,) = claims.claim_due("one", limit=9, lease=LEASE)
    claims.release(claim, timedelta(seconds=5))
    due.refresh_from_db()
    assert due.claimed_until is None
    assert due.check_at > timezone.now() + timedelta(seconds=3)


def test_release_keeps_a_look_that_was_asked_for_meanwhile(due):
    (claim,) = claims.claim_due("one", limit=9, lease=LEASE)
    hint = timezone.now()
    Livestream.objects.filter(pk=due.pk).update(check_at=hint)
    claims.release(claim, timedelta(seconds=5))
    due.refresh_from_db()
    assert due.check_at == hint


def test_release_of_a_claim_that_was_lost_frees_nothing_of_the_other(due):
    (claim,) = claims.claim_due("one", limit=9, lease=timedelta(seconds=-1))
    claims.claim_due("two", limit=9, lease=LEASE)
    claims.release(claim, timedelta(seconds=5))
    due.refresh_from_db()
    assert due.claimed_by.startswith("two/")


def test_release_of_an_ended_livestream_is_never_due_again(due):
    (claim,) = claims.claim_due("one", limit=9, lease=LEASE)
    claims.release(claim, None)
    due.refresh_from_db()
    assert due.check_at is None


@pytest.mark.django_db(transaction=True)
def test_claim_race_of_many_workers_has_one_winner():
    livestream = make_webinar()
    domain.go_live(livestream, user=livestream.meeting.owner)
    barrier, won = threading.Barrier(8), []

    def race(name: str) -> None:
        barrier.wait(10)
        won.extend(claims.claim_due(name, limit=9, lease=LEASE))
        connection.close()

    threads = [threading.Thread(target=race, args=(f"worker-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(won) == 1
