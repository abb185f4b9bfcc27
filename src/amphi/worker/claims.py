"""Who looks at which livestream: leases in the rows, so that each is looked at by one worker at a time."""

import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from amphi.webinars.models import Livestream, WorkerPulse
from amphi.worker import check, supervisor

log = logging.getLogger("webinar")


@dataclass(frozen=True, slots=True)
class Claim:
    """A livestream that this worker may look at, until the lease ends.

    Attributes:
        livestream_id: which.
        check_at: when it was due; if that changed meanwhile, somebody wants another look at once.
        holder: names this one claim: a worker may lose one, and claim the same livestream again.
    """

    livestream_id: int
    check_at: datetime | None
    holder: str


def claim_due(worker: str, *, limit: int, lease: timedelta) -> list[Claim]:
    """Claim up to `limit` livestreams that are due and that no living worker holds."""
    now = timezone.now()
    due = Livestream.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=now), check_at__lte=now)
    claims = []
    for pk, check_at in due.order_by("check_at").values_list("pk", "check_at")[:limit]:
        holder = f"{worker[-80:]}/{secrets.token_hex(4)}"
        # Whoever changes the row first has it; the others change no row.
        if due.filter(pk=pk, check_at=check_at).update(claimed_until=now + lease, claimed_by=holder):
            claims.append(Claim(pk, check_at, holder))
    return claims


def _held(claims: Collection[Claim]) -> Q:
    return Q(
        pk__in=[claim.livestream_id for claim in claims], claimed_by__in=[claim.holder for claim in claims]
    )


def renew(claims: Collection[Claim], *, lease: timedelta) -> None:
    """Keep claims whose looks take long. One that was lost, or freed for another look, is not taken back."""
    Livestream.objects.filter(_held(claims), claimed_until__gt=timezone.now()).update(
        claimed_until=timezone.now() + lease
    )


def abandon(claims: Collection[Claim]) -> None:
    """Leave claims to other workers, at once: this one ends before its looks do."""
    Livestream.objects.filter(_held(claims)).update(claimed_until=None, claimed_by="")


def carry_out(claim: Claim) -> None:
    """Look at a claimed livestream, then release it with the time of the next look."""
    next_in: timedelta | None = check.AFTER_ERROR
    try:
        livestream = Livestream.objects.select_related("meeting", "event", "gateway__broadcaster").get(
            pk=claim.livestream_id
        )
        next_in = supervisor.look(livestream)
    except Livestream.DoesNotExist:
        return
    finally:
        release(claim, next_in)


def release(claim: Claim, next_in: timedelta | None) -> None:
    """Give the livestream back, if it was not lost. A look that was asked for meanwhile stays due."""
    held = Livestream.objects.filter(_held([claim]))
    next_at = None if next_in is None else timezone.now() + next_in
    held.filter(Q(check_at=claim.check_at) | Q(check_at=None)).update(check_at=next_at)
    held.update(claimed_until=None, claimed_by="")


def pulse(worker: str) -> None:
    """Note that a worker is at work, and forget those that said so last a day ago."""
    now = timezone.now()
    WorkerPulse.objects.update_or_create(name=worker[:200], defaults={"seen_at": now})
    WorkerPulse.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def pulse_no_more(worker: str) -> None:
    """Forget a worker that ends."""
    WorkerPulse.objects.filter(name=worker[:200]).delete()
