"""The id of a request goes with the live from the web server to the worker, and from there to the gateway."""

from django.utils import timezone

from amphi.system import request_ids
from amphi.webinars import domain
from amphi.webinars.models import RetiringJob, State
from amphi.worker import claims, retiring
from tests.factories import put
from tests.webinars.looking import start

FIRST, SECOND = "1f" * 16, "2f" * 16


def work() -> None:
    """Do as the worker's lanes do."""
    for lease in claims.claim_due("w", limit=9):
        claims.carry_out(lease)
    RetiringJob.objects.update(stop_at=timezone.now())
    for retired in retiring.claim_due(limit=9, worker="w"):
        retiring.stop(retired)


def test_gateway_is_told_which_request_a_job_is_for(livestream, stage):
    with request_ids.using(FIRST):
        start(livestream)
    work()
    assert stage.count("PUT /jobs/") == 1
    assert stage.request_ids == {FIRST}
    # What nobody asks for by a request leaves it.
    livestream.refresh_from_db()
    assert livestream.request_id == FIRST
    stage.request_ids.clear()
    put(livestream, State.LIVE)
    livestream.refresh_from_db()
    with request_ids.using(SECOND):
        domain.restart_live(livestream, user=livestream.meeting.owner)
    work()
    assert stage.count("DELETE /jobs/") == 1
    assert stage.request_ids == {SECOND}


def test_without_a_request_there_is_no_id(livestream, stage):
    start(livestream)
    work()
    assert stage.count("PUT /jobs/") == 1
    assert stage.request_ids == {""}
