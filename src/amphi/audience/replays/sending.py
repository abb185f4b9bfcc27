"""Asks for a replay to be sent to Esup-Pod; the worker sends it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from amphi.audience.models import PodTransfer, Replay

SETTLES = timedelta(minutes=1)
"""After the end of a live: what is recorded of it is complete by then."""


def is_offered() -> bool:
    """Whether there is an Esup-Pod server to send to."""
    return bool(settings.POD_URL)


def ask(replay: Replay, *, at: datetime | None = None) -> None:
    """Have a replay sent, unless it was sent already or is on its way; one that failed is tried anew.

    Args:
        replay: of a live that is over.
        at: when to begin; now when not given.
    """
    at = at or timezone.now()
    transfer, is_new = PodTransfer.objects.get_or_create(replay=replay, defaults={"attempt_at": at})
    if not is_new:
        again = PodTransfer.objects.filter(pk=transfer.pk, state=PodTransfer.State.FAILED)
        again.update(state=PodTransfer.State.WAITING, attempts=0, reason="", attempt_at=at)


def ask_by_itself(replay: Replay, ended_at: datetime) -> None:
    """A live is over: have its replay sent where the operator chose so."""
    if is_offered() and settings.POD_AUTOMATIC:
        ask(replay, at=ended_at + SETTLES)
