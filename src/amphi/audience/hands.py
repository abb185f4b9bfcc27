"""Raised hands: who asks for the microphone, who is invited on stage, and who is there.

A listener's page reports every `KEEP_S` that it is still open. Without a report for `GONE_AFTER`, the hand counts as lowered and takes no
place. People on stage have gone from the page to the meeting, so the meeting reports when they leave.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.audience.domain import publish
from amphi.audience.exceptions import StageFullError, TooManyVoicesError, VoiceClosedError
from amphi.audience.models import HAND_TAKES_A_PLACE, HAND_UP, ON_AIR, Event, Hand, HandState
from amphi.audience.pace import Pace
from amphi.audience.pulse import pulse
from amphi.audience.queries import listener_state
from amphi.audience.speakers import Speaker, check_not_restrained, writing
from amphi.system.typed import clean_line

GONE_AFTER = timedelta(minutes=3)
MOST_UP = 50
"""The most hands at once, since each is sent to every page."""
WORD_LENGTH = 120
ON_STAGE_PREFIX = "stage-"
"""The prefix of the external user ids of listeners on stage."""

_pace = Pace(most=10, window_s=60)


# --- what there is


def up(event_id: int, now: datetime) -> QuerySet[Hand]:
    """The hands that are up, the earliest first."""
    there = Q(state=HandState.ON_STAGE) | Q(state__in=HAND_UP, seen_at__gt=now - GONE_AFTER)
    return Hand.objects.filter(there, event_id=event_id).order_by("raised_at", "pk")


def of_viewer(event_id: int, viewer: str) -> Hand | None:
    """The raised hand of one viewer, if any."""
    return up(event_id, timezone.now()).filter(viewer=viewer).first() if viewer else None


def queue_content(event_id: int) -> dict[str, object]:
    """The ``hands`` message of the event stream. Hands are named by tokens, so each page can recognise only its own."""
    by_state: dict[str, list[str]] = {state: [] for state in HAND_UP}
    for token, state in up(event_id, timezone.now()).values_list("token", "state")[:MOST_UP]:
        by_state[state].append(token)
    return {
        "raised": by_state[HandState.RAISED],
        "invited": by_state[HandState.INVITED],
        "on_stage": by_state[HandState.ON_STAGE],
    }


def publish_queue(event_id: int, _changed: Mapping[str, int]) -> None:
    """Publish the current queue."""
    publish(event_id, "hands", queue_content(event_id))


def _tell(event_id: int) -> None:
    transaction.on_commit(partial(pulse.add, publish_queue, event_id))


# --- what listeners do


def _check_open(event: Event) -> None:
    if not event.enable_hands:
        raise VoiceClosedError(_("Hands can’t be raised in this live event."))
    if listener_state(event, timezone.now()) not in ON_AIR or not event.state:
        raise VoiceClosedError(_("Hands can be raised while the live runs."))


def raise_hand(event: Event, *, by: Speaker, word: str = "") -> Hand:
    """Raise a listener's hand, or change the subject of a raised one.

    Raises:
        VoiceError: it was refused; the text says why.
    """
    _check_open(event)
    check_not_restrained(event, by)
    if not _pace.take(by.viewer):
        raise TooManyVoicesError(_("You raise your hand too often. Wait a little."))
    now = timezone.now()
    with writing(event.pk):
        _lock(event)
        _lower_gone(event, now)
        hand = up(event.pk, now).filter(viewer=by.viewer).first()
        if hand is None:
            if up(event.pk, now).count() >= MOST_UP:
                raise TooManyVoicesError(_("Many hands are raised already. Try again in a moment."))
            hand = Hand(event=event, viewer=by.viewer, user=by.user, name=by.name[:255], raised_at=now)
        hand.word = clean_line(word)[:WORD_LENGTH]
        hand.seen_at = now
        hand.save()
        _tell(event.pk)
    return hand


def lower(event: Event, *, viewer: str) -> None:
    """Lower one's own hand, or leave the stage."""
    rows = Hand.objects.filter(event=event, viewer=viewer, state__in=HAND_UP)
    with transaction.atomic():
        if rows.update(state=HandState.LOWERED):
            _tell(event.pk)


def keep(event: Event, *, viewer: str) -> None:
    """Note that the page of a raised hand is still open."""
    Hand.objects.filter(event=event, viewer=viewer, state__in=HAND_UP).update(seen_at=timezone.now())


def take_stage(event: Event, *, viewer: str) -> Hand:
    """Note that an invited listener goes on stage now. Somebody who is there already may enter again, for example after a crash.

    Raises:
        VoiceClosedError: this listener is not invited, or not any more.
    """
    with transaction.atomic():
        _lock(event)
        hand = up(event.pk, timezone.now()).filter(viewer=viewer, state__in=HAND_TAKES_A_PLACE).first()
        if hand is None:
            raise VoiceClosedError(_("You are not invited on stage at the moment."))
        if hand.state != HandState.ON_STAGE:
            hand.state = HandState.ON_STAGE
            hand.save(update_fields=["state"])
            _tell(event.pk)
    return hand


def left_stage(event_id: int, token: str) -> None:
    """Note that somebody on stage has left the meeting."""
    rows = Hand.objects.filter(event_id=event_id, token=token, state=HandState.ON_STAGE)
    with transaction.atomic():
        if rows.update(state=HandState.LOWERED):
            _tell(event_id)


def meeting_user_id(hand: Hand) -> str:
    """The external user id in the meeting of the person with this hand."""
    return f"{ON_STAGE_PREFIX}{hand.token}"


# --- what presenters and moderators do


def invite(event: Event, token: str) -> Hand:
    """Invite the listener of a hand on stage. Has no effect if they are invited already.

    Raises:
        StageFullError: the largest number is there, or invited, already.
        VoiceClosedError: the hand is no longer up.
    """
    now = timezone.now()
    with writing(event.pk):
        # The event's row is the lock of its stage, so that two invitations at once can't both take the last place.
        locked = _lock(event)
        hand = up(event.pk, now).filter(token=token).first()
        if hand is None:
            raise VoiceClosedError(_("This hand was lowered meanwhile."))
        if hand.state in HAND_TAKES_A_PLACE:
            return hand
        if up(event.pk, now).filter(state__in=HAND_TAKES_A_PLACE).count() >= locked.stage_places:
            raise StageFullError(
                ngettext(
                    "The stage has %(places)d place, and it is taken. Have somebody leave it first.",
                    "The stage has %(places)d places, and all are taken. Have somebody leave it first.",
                    locked.stage_places,
                )
                % {"places": locked.stage_places}
            )
        hand.state = HandState.INVITED
        hand.save(update_fields=["state"])
        _tell(event.pk)
    return hand


def lower_other(event: Event, token: str) -> None:
    """Lower somebody's hand, withdraw an invitation, or free a place on stage. Has no effect if the hand is down already."""
    rows = Hand.objects.filter(event=event, token=token, state__in=HAND_UP)
    with transaction.atomic():
        if rows.update(state=HandState.LOWERED):
            _tell(event.pk)


def _lock(event: Event) -> Event:
    locked = Event.objects.select_for_update(of=("self",), no_key=True).filter(pk=event.pk).first()
    if locked is None:
        raise VoiceClosedError(_("This live event no longer exists."))
    return locked


def _lower_gone(event: Event, now: datetime) -> None:
    """Lower the hands of listeners who left long ago, since a viewer may have only one raised hand."""
    gone = Hand.objects.filter(event=event, state__in=HAND_UP, seen_at__lte=now - GONE_AFTER)
    gone.exclude(state=HandState.ON_STAGE).update(state=HandState.LOWERED)
