"""One person who had two accounts: what they did in the hall by one becomes what they did by the other."""

from typing import Any

from django.db.models import F, Max, Min, Model, QuerySet

from amphi.audience import attendance
from amphi.audience.models import (
    HAND_UP,
    Ballot,
    Event,
    Hand,
    HandState,
    Message,
    MessageReaction,
    Presence,
    Question,
    QuestionVote,
    Restraint,
)


def merge_viewers(gone: str, kept: str) -> None:
    """Have `kept` be whoever `gone` was, in the caller's transaction. What both did and counts once, counts once.

    Args:
        gone: a viewer's name in tickets, as `kept`.
        kept: the one who stays.
    """
    _move_votes(gone, kept)
    _move(Ballot, ("poll",), gone, kept)
    _move(MessageReaction, ("message", "kind"), gone, kept)
    _move_restraints(gone, kept)
    _move_hands(gone, kept)
    _move_minutes(Presence.objects.all(), gone, kept)
    hidden = Event.objects.filter(airings__presences__viewer__startswith=attendance.PSEUDONYM).distinct()
    for event in hidden:
        names = [attendance.pseudonyms(event, [viewer]).pop() for viewer in (gone, kept)]
        _move_minutes(Presence.objects.filter(airing__event=event), *names)
    for said in (Message, Question):
        said._default_manager.filter(viewer=gone).update(viewer=kept)  # noqa: SLF001 -- of either kind


def _second(model: type[Model], once: tuple[str, ...], gone: str, kept: str) -> QuerySet[Any]:
    """The rows of `gone` of which `kept` has one too: they have one for each of `once`."""
    rows = model._default_manager  # noqa: SLF001 -- Django's name for it
    had = set(rows.filter(viewer=kept).values_list(*once))
    theirs = rows.filter(viewer=gone).values_list("pk", *once)
    return rows.filter(pk__in=[pk for pk, *key in theirs if tuple(key) in had])


def _move(model: type[Model], once: tuple[str, ...], gone: str, kept: str) -> None:
    _second(model, once, gone, kept).delete()
    model._default_manager.filter(viewer=gone).update(viewer=kept)  # noqa: SLF001


def _move_votes(gone: str, kept: str) -> None:
    second = _second(QuestionVote, ("question",), gone, kept)
    for question in sorted(second.values_list("question", flat=True)):
        Question.objects.filter(pk=question).update(votes=F("votes") - 1)
    _move(QuestionVote, ("question",), gone, kept)


def _move_restraints(gone: str, kept: str) -> None:
    """Whoever was excluded by either account stays excluded."""
    banned = Restraint.objects.filter(viewer=gone, kind=Restraint.Kind.BANNED).values("event")
    Restraint.objects.filter(viewer=kept, kind=Restraint.Kind.MUTED, event__in=banned).delete()
    _move(Restraint, ("event",), gone, kept)


def _move_hands(gone: str, kept: str) -> None:
    up = Hand.objects.filter(viewer=kept, state__in=HAND_UP).values("event")
    Hand.objects.filter(viewer=gone, state__in=HAND_UP, event__in=up).update(state=HandState.LOWERED)
    Hand.objects.filter(viewer=gone).update(viewer=kept)


def _move_minutes(rows: QuerySet[Presence], gone: str, kept: str) -> None:
    """Who listened on both at once, as on two devices, has the minutes of the longer one."""
    theirs = rows.filter(viewer=gone)
    for row in theirs.filter(airing__in=rows.filter(viewer=kept).values("airing")):
        both = Presence.objects.filter(airing=row.airing_id, viewer__in=[gone, kept])
        whole = both.aggregate(
            minutes=Max("minutes"), first_minute=Min("first_minute"), last_minute=Max("last_minute")
        )
        row.delete()
        Presence.objects.filter(airing=row.airing_id, viewer=kept).update(**whole)
    theirs.update(viewer=kept)
