"""The lease: whatever workers do by themselves to a row is done by one of them at a time.

A row is claimed by one statement that only one worker can win, under a name that is used once. The worker renews its leases for as
long as it works, however long that takes; when it dies they end, and others go on. Whoever lost a lease writes nothing: every write is
guarded by the holder's name. Work that raised what nobody expected rests, ever longer, and holds up no other row.
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
    """Another worker has the row by now: what this one found out is not written."""


class Leased(models.Model):
    """A row that workers claim.

    Attributes:
        claimed_until: when the lease ends, or when work that failed may be tried again.
        claimed_by: the holder's name, used once.
        failures: how often in a row the work raised what nobody expected.
    """

    claimed_until = models.DateTimeField(null=True, editable=False)
    claimed_by = models.CharField(max_length=100, blank=True, default="", editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Lease:
    """A row that is in this worker's hands.

    Attributes:
        rows: the row's model.
        pk: its key.
        holder: the name it is claimed by.
        length: how long it lasts unless it is renewed.
    """

    rows: type[Leased]
    pk: Any
    holder: str
    length: timedelta

    def held(self) -> QuerySet[Any]:
        """The row, if it was not lost."""
        return QuerySet(self.rows).filter(pk=self.pk, claimed_by=self.holder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that writes other rows on behalf of this one, which is locked until it ends.

        Raises:
            LeaseLostError: the lease was lost; nothing is written.
        """
        with transaction.atomic():
            if not self.held().select_for_update(no_key=True).exists():
                raise LeaseLostError(f"{self.rows.__name__} {self.pk}")
            yield

    def release(self, **columns: Any) -> bool:
        """Give the row back and write `columns`, in one statement; False when it was lost, and nothing was written."""
        free = {"claimed_until": None, "claimed_by": "", "failures": 0}
        return bool(self.held().update(**free, **columns))

    def rest(self) -> None:
        """Give the row back after work that raised what nobody expected: it is not claimed again for a while."""
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
    """Claim rows that are due and that nobody holds.

    Args:
        due: the rows, those that wait longest first.
        worker: who claims them.
        limit: at most so many.
        length: how long a lease lasts unless it is renewed.
        now: the current time.
    """
    now = now or timezone.now()
    free = due.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
    rows, leases = due.model, []
    for pk in free.values_list("pk", flat=True)[:limit]:
        holder = f"{worker[-LONGEST_NAME:]}/{secrets.token_hex(4)}"
        # Whoever changes the row first has it: the others then change no row.
        if free.filter(pk=pk).update(claimed_until=now + length, claimed_by=holder):
            leases.append(Lease(rows, pk, holder, length))
    return leases


def renew(leases: Collection[Lease]) -> None:
    """Keep leases whose work takes long. One that ended, or that was ended for the sake of somebody who waits, is not taken back."""
    now = timezone.now()
    for kind in {(one.rows, one.length) for one in leases}:
        rows, length = kind
        held = _held([one for one in leases if (one.rows, one.length) == kind])
        QuerySet(rows).filter(held, claimed_until__gt=now).update(claimed_until=now + length)


def leave(leases: Collection[Lease]) -> None:
    """Leave leases to other workers at once: this one ends before its work does."""
    for rows in {one.rows for one in leases}:
        held = _held([one for one in leases if one.rows == rows])
        QuerySet(rows).filter(held).update(claimed_until=None, claimed_by="")


def free(rows: type[Leased], is_dead: Callable[[str], bool]) -> None:
    """End the leases of workers of which it is known that they are dead, so that nobody waits for the end.

    Args:
        rows: of this model.
        is_dead: says so of a worker's name.
    """
    held: QuerySet[Any] = QuerySet(rows).exclude(claimed_until=None).exclude(claimed_by="")
    for holder in held.values_list("claimed_by", flat=True).distinct():
        if is_dead(holder.rpartition("/")[0]):
            QuerySet(rows).filter(claimed_by=holder).update(claimed_until=None, claimed_by="")


def _held(leases: Collection[Lease]) -> Q:
    return Q(pk__in=[one.pk for one in leases], claimed_by__in=[one.holder for one in leases])


def unless_asked_anew(column: str, read: datetime | None, then: datetime | None) -> Case:
    """The value of a column that says when a row is due: `then`, unless somebody changed it since it was read as `read`.

    Whoever decided from an older reading can't make a newer request be forgotten.
    """
    later: Value = Value(then, output_field=models.DateTimeField(null=True))
    return Case(When(Q(**{column: read}), then=later), default=F(column))
