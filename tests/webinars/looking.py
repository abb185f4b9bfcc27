"""Looks at a livestream, as the worker makes them."""

from datetime import timedelta

from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars import domain
from amphi.webinars.models import Livestream, RetiringJob, State, Transition
from amphi.worker import retiring, supervisor

JOB = r"/jobs/"


def retire() -> None:
    """Do as the worker's lane does: ask the gateways to stop what is to be stopped."""
    RetiringJob.objects.update(stop_at=timezone.now())
    for lease in retiring.claim_due(limit=9):
        retiring.stop(lease)


def look(livestream: Livestream, times: int = 1) -> timedelta | None:
    """Look as a worker does: on a row read anew each time."""
    next_in = None
    for _ in range(times):
        retire()
        livestream.refresh_from_db()
        livestream.meeting.refresh_from_db()
        next_in = supervisor.look(livestream)
    livestream.refresh_from_db()
    livestream.meeting.refresh_from_db()
    return next_in


def start(livestream: Livestream) -> None:
    domain.go_live(livestream, user=livestream.meeting.owner)


def on_air(livestream: Livestream, stage) -> None:
    start(livestream)
    stage.sequence, stage.advancing = 1, True
    look(livestream, 3)
    assert livestream.state == State.LIVE
    stage.asked.clear()


def age(livestream: Livestream, **columns: timedelta) -> None:
    """Let time pass: move columns into the past."""
    Livestream.objects.filter(pk=livestream.pk).update(
        **{name: timezone.now() - ago for name, ago in columns.items()}
    )


def triggers(livestream: Livestream) -> list[str]:
    return list(Transition.objects.filter(livestream=livestream).values_list("trigger", flat=True))


def age_meeting(livestream: Livestream, **columns: timedelta) -> None:
    Meeting.objects.filter(pk=livestream.meeting_id).update(
        **{name: timezone.now() - ago for name, ago in columns.items()}
    )
