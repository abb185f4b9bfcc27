"""Claims livestreams that are due, looks at each, and writes when to look next."""

import os
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from amphi.audience.models import BucketItem, Channel, PodTransfer, Replay
from amphi.lti.models import Course, Link
from amphi.mails.models import Mail
from amphi.outbox.models import Delivery
from amphi.system import leases, request_ids
from amphi.system.leases import Lease
from amphi.webinars.models import Livestream, Recording, RetiringJob, StandbyJob, WorkerPulse
from amphi.worker import supervisor
from amphi.worker.decision import LATEST_LOOK

LEASE = timedelta(seconds=15)
"""How long a livestream waits after its worker died in the middle of a look."""


def claim_due(worker: str, *, limit: int, lease: timedelta = LEASE) -> list[Lease]:
    """Claim up to `limit` livestreams that are due and that no worker holds."""
    now = timezone.now()
    is_due = Q(look_at__lte=now) | Q(look_at__gt=now + LATEST_LOOK)
    due = Livestream.objects.filter(is_due).order_by("look_at")
    return leases.claim(due, worker=worker, limit=limit, length=lease)


def carry_out(lease: Lease) -> None:
    """Look at a claimed livestream, then release it with the time of the next look."""
    # A presenter's click ends the lease: then the look is another's, also when that has not begun, and two would ask for the same.
    held = lease.held().exclude(claimed_until=None)
    livestream: Livestream | None = held.select_related("meeting", "event", "gateway__broadcaster").first()
    if livestream is None:
        return
    read = livestream.look_at
    with request_ids.using(livestream.request_id):
        next_in = supervisor.look(livestream)
    next_at = None if next_in is None else timezone.now() + next_in
    lease.release(look_at=leases.unless_asked_anew("look_at", read, next_at))


def free_leases_of_the_dead(worker: str) -> None:
    """End the leases of workers that died on this machine, when a new worker starts.

    Args:
        worker: the name of the new worker, ``host-pid``.
    """
    host = worker.rpartition("-")[0]

    def is_dead(name: str) -> bool:
        pid = name.rpartition("-")[2]
        if not pid.isdigit() or name != f"{host}-{pid}"[-leases.LONGEST_NAME :]:
            return False
        # A lease with the new worker's own name is from a dead one: in a container, process ids repeat.
        return name == worker[-leases.LONGEST_NAME :] or not _is_alive(int(pid))

    for rows in (
        Livestream,
        RetiringJob,
        StandbyJob,
        Channel,
        Mail,
        Recording,
        Replay,
        BucketItem,
        PodTransfer,
        Delivery,
        Course,
        Link,
    ):
        leases.free(rows, is_dead)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def pulse(worker: str) -> None:
    """Write a worker's sign of life, and delete signs that are older than a day."""
    now = timezone.now()
    WorkerPulse.objects.update_or_create(name=worker[:200], defaults={"seen_at": now})
    WorkerPulse.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def pulse_no_more(worker: str) -> None:
    """Delete the sign of life of a worker that stops."""
    WorkerPulse.objects.filter(name=worker[:200]).delete()
