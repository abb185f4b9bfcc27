"""Leases: only one worker at a time works on a row.

One statement claims a row, under a holder's name that is used once; only one worker can win it. The worker renews its leases while it
works. When it dies, they expire and another worker takes over. A worker that lost its lease writes nothing: every write is guarded
by the holder's name. After an unexpected exception a row rests, longer each time, and delays no other row.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

log = logging.getLogger(__name__)

FIRST_REST = timedelta(seconds=2)
LONGEST_NAME = 80
LONGEST_REST = timedelta(minutes=1)


class LeaseLostError(Exception):
    """Another worker has claimed the row, so this one must not write."""


class Leased(models.Model):
    """A row that workers claim.

    Attributes:
        claimed_until: when the lease ends, or when work that failed may be tried again.
        claimed_by: the holder's name, used once.
        failures: how many unexpected exceptions came one after the other.
    """

    claimed_until = models.DateTimeField(null=True, editable=False)
    claimed_by = models.CharField(max_length=100, blank=True, default="", editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Lease:
    """A row that this worker has claimed.

    Attributes:
        rows: the row's model.
        pk: its key.
        holder: the name it is claimed by.
        length: how long the lease lasts without renewal.
    """

    rows: type[Leased]
    pk: Any
    holder: str
    length: timedelta

    def held(self) -> QuerySet[Any]:
        """The row, as a queryset that is empty once the lease is lost."""
        return QuerySet(self.rows).filter(pk=self.pk, claimed_by=self.holder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that may write other rows; it locks this row, so that nobody can claim it meanwhile.

        Raises:
            LeaseLostError: the lease was lost; nothing is written.
        """
        with transaction.atomic():
            if not self.held().select_for_update(no_key=True).exists():
                raise LeaseLostError(f"{self.rows.__name__} {self.pk}")
            yield

    def release(self, **columns: Any) -> bool:
        """Write `columns` and end the lease, in one statement. False, and nothing written, when the lease was lost."""
        free = {"claimed_until": None, "claimed_by": "", "failures": 0}
        return bool(self.held().update(**free, **columns))

    def rest(self) -> None:
        """End the lease after an unexpected exception; nobody claims the row again for a while."""
        failures = self.held().values_list("failures", flat=True).first()
        if failures is None:
            return
        pause = min(FIRST_REST * 2 ** min(failures, 10), LONGEST_REST)
        until = timezone.now() + pause
        self.held().update(claimed_until=until, claimed_by="", failures=min(failures + 1, 1000))


Row = TypeVar("Row", bound=Leased)


def claim(
    due: QuerySet[Row], *, worker: str, limit: int, length: timedelta, now: datetime | None = None
) -> list[Lease]:
    """Claim rows that are due and that no worker holds.

    Args:
        due: the rows, in the order in which to claim them.
        worker: the name of the claiming worker.
        limit: the largest number of rows.
        length: how long a lease lasts without renewal.
        now: the current time.
    """
    now = now or timezone.now()
    free = due.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
    rows, leases = due.model, []
    for pk in free.values_list("pk", flat=True)[:limit]:
        holder = f"{worker[-LONGEST_NAME:]}/{secrets.token_hex(4)}"
        # The first update wins; for all others the filter matches no row any more.
        if free.filter(pk=pk).update(claimed_until=now + length, claimed_by=holder):
            leases.append(Lease(rows, pk, holder, length))
    return leases


def renew(leases: Collection[Lease]) -> None:
    """Renew leases whose work takes long. A lease that expired, or that somebody ended early, is not taken back."""
    now = timezone.now()
    for kind in {(one.rows, one.length) for one in leases}:
        rows, length = kind
        held = _held([one for one in leases if (one.rows, one.length) == kind])
        QuerySet(rows).filter(held, claimed_until__gt=now).update(claimed_until=now + length)


def leave(leases: Collection[Lease]) -> None:
    """End leases at once, for other workers: this worker stops before its work is done."""
    for rows in {one.rows for one in leases}:
        held = _held([one for one in leases if one.rows == rows])
        QuerySet(rows).filter(held).update(claimed_until=None, claimed_by="")


def free(rows: type[Leased], is_dead: Callable[[str], bool]) -> None:
    """End the leases of workers that are known to be dead, instead of waiting until they expire.

    Args:
        rows: the model.
        is_dead: whether the worker with this name is dead.
    """
    held: QuerySet[Any] = QuerySet(rows).exclude(claimed_until=None).exclude(claimed_by="")
    for holder in held.values_list("claimed_by", flat=True).distinct():
        if is_dead(holder.rpartition("/")[0]):
            QuerySet(rows).filter(claimed_by=holder).update(claimed_until=None, claimed_by="")


def _held(leases: Collection[Lease]) -> Q:
    return Q(pk__in=[one.pk for one in leases], claimed_by__in=[one.holder for one in leases])


def unless_asked_anew(column: str, read: datetime | None, then: datetime | None) -> Case:
    """The new due time of a row: `then`, unless `column` has changed since it was read as `read`.

    So a request that came in the meantime is not overwritten.
    """
    later: Value = Value(then, output_field=models.DateTimeField(null=True))
    return Case(When(Q(**{column: read}), then=later), default=F(column))
