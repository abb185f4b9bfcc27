"""Sends listeners' messages into the meeting: in order, at a limited rate, at least once.

A worker claims a channel by a lease on its row, so several workers share the work and no message overtakes another. Sending happens
outside transactions. A failed message is tried again after growing pauses. One that can't be sent is marked, and moderators see it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, F, IntegerField, Min, Q, When
from django.utils import timezone

from amphi.audience.domain import publish
from amphi.audience.models import Channel, Message
from amphi.system import leases
from amphi.system.leases import Lease, LeaseLostError
from amphi.webinars.models import Livestream
from amphi.worker.meeting_chat import NotDeliveredError, send_to_meeting

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=30)
"""Longer than a look's: after a lost lease, two workers may send the same message."""
RATE_WINDOW = timedelta(seconds=1)
ATTEMPTS = 8
"""How many attempts are made; with the pauses between them, about a minute and a half."""
LONGEST_PAUSE = timedelta(seconds=30)

Send = Callable[[Livestream, Message], bool]
"""Sends one message, or the next piece of a long one, into the meeting. True when all of it is there."""


def claim_due(*, limit: int, worker: str = "", now: datetime | None = None) -> list[Lease]:
    """Claim channels that have messages to send now; pass each to `deliver`.

    Args:
        limit: the largest number of channels.
        worker: the name of the claiming worker.
        now: the current time.
    """
    now = now or timezone.now()
    waiting = (
        Message.objects.filter(_is_due(now), delivery=Message.Delivery.WAITING)
        .values("event_id")
        .annotate(first=Min("created_at"))
        .order_by("first")
        .values_list("event_id", flat=True)
    )
    first = list(waiting[: 4 * limit])
    # Without an order the database gives them as they lie: one could come last each time.
    turns = Case(*(When(pk=pk, then=turn) for turn, pk in enumerate(first)), output_field=IntegerField())
    due = Channel.objects.filter(pk__in=first).order_by(turns)
    return leases.claim(due, worker=worker, limit=limit, length=LEASE, now=now)


def _is_due(now: datetime) -> Q:
    """Also when its time is so far ahead that only a clock can have written it that is ahead, or was."""
    return Q(attempt_at__lte=now) | Q(attempt_at__gt=now + 2 * LONGEST_PAUSE)


def deliver(
    lease: Lease, *, send: Send = send_to_meeting, clock: Callable[[], datetime] = timezone.now
) -> int:
    """Send the waiting messages of a claimed channel, then release it.

    Args:
        lease: the channel's lease.
        send: see `Send`.
        clock: returns the current time.

    Returns:
        How many messages were sent.
    """
    sent = 0
    try:
        for message in _next_messages(lease.pk, clock()):
            if not _deliver_one(lease, message, send, clock):
                break
            sent += 1
    except LeaseLostError:
        log.warning("chat for event %s: another worker goes on", lease.pk)
        return sent
    lease.release()
    return sent


def _next_messages(channel_id: int, now: datetime) -> list[Message]:
    """The oldest waiting messages, as many as the rate allows; none while the oldest one pauses."""
    of_channel = Message.objects.filter(event_id=channel_id)
    just_sent = of_channel.filter(sent_at__gt=now - RATE_WINDOW, sent_at__lte=now).count()
    room = max(0, settings.CHAT_DELIVERY_PER_SECOND - just_sent)
    waiting = list(
        of_channel.filter(delivery=Message.Delivery.WAITING)
        .select_related("event")
        .order_by("created_at", "pk")[:room]
    )
    pauses_until = waiting[0].attempt_at if waiting else None
    if pauses_until is not None and now < pauses_until <= now + 2 * LONGEST_PAUSE:
        return []
    return waiting


def _deliver_one(lease: Lease, message: Message, send: Send, clock: Callable[[], datetime]) -> bool:
    """Send one message; False when those after it must wait."""
    livestream = (
        Livestream.objects.select_related("meeting", "event", "gateway__broadcaster")
        .filter(event_id=message.event_id)
        .first()
    )
    if livestream is None or not livestream.is_running:
        _give_up(lease, message, "the webinar is not running", code="chat_not_running")
        return True
    try:
        is_whole = send(livestream, message)
    except NotDeliveredError as error:
        return _not_delivered(lease, message, error, clock())
    now = clock()
    if is_whole:
        columns: dict[str, object] = {"delivery": Message.Delivery.SENT, "sent_at": now}
    else:
        # Each piece counts as a message for the rate, so the next piece waits for its turn.
        turn = now + RATE_WINDOW / settings.CHAT_DELIVERY_PER_SECOND
        columns = {"pieces_sent": F("pieces_sent") + 1, "attempts": 0, "sent_at": now, "attempt_at": turn}
    with lease.writing():
        Message.objects.filter(pk=message.pk).update(delivery_error="", **columns)
    return is_whole


def _not_delivered(lease: Lease, message: Message, error: NotDeliveredError, now: datetime) -> bool:
    """Give the message up, or pause it. Messages behind it pause too, so that the order holds. True when it is given up."""
    attempts = message.attempts + 1
    if error.permanent or attempts >= ATTEMPTS:
        _give_up(lease, message, str(error), code=error.code)
        return True
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** (attempts - 1)))
    with lease.writing():
        Message.objects.filter(pk=message.pk).update(attempts=attempts, delivery_error=error.code)
        behind = Message.objects.filter(event_id=message.event_id, delivery=Message.Delivery.WAITING)
        behind.update(attempt_at=now + pause)
    log.warning("chat for event %s: tried again in %s: %s", message.event_id, pause, error)
    return False


def _give_up(lease: Lease, message: Message, reason: str, *, code: str) -> None:
    log.warning("chat for event %s: message %s was not sent: %s", message.event_id, message.pk, reason)
    with lease.writing():
        waiting = Message.objects.filter(pk=message.pk, delivery=Message.Delivery.WAITING)
        if waiting.update(delivery=Message.Delivery.FAILED, delivery_error=code[:40]):
            publish(
                message.event_id, "delivery", {"id": str(message.pk), "delivery": Message.Delivery.FAILED}
            )
