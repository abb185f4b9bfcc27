"""Listeners' messages, sent into the meeting: in order, at a bounded rate, at least once.

A channel with messages that wait is claimed by a lease on its row, so that any number of workers share the work and no message
overtakes another. Sending happens outside transactions. What is tried in vain is tried again, ever more slowly; what can't be
sent is marked, and moderators see it.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from amphi.audience.domain import publish
from amphi.audience.models import Channel, Message
from amphi.webinars.models import Livestream
from amphi.worker.meeting_chat import NotDeliveredError, send_to_meeting

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=30)
"""Renewed after each message or piece of one, which takes at most three calls of 5 s: what BBB can do, saying it, the gateway instead."""
RATE_WINDOW = timedelta(seconds=1)
ATTEMPTS = 8
"""After which a message counts as not sent: about two minutes."""
LONGEST_PAUSE = timedelta(seconds=30)

Send = Callable[[Livestream, Message], bool]
"""Puts one message, or the next piece of a long one, into the meeting; whether all of it is there."""


def claim_due(*, limit: int, now: datetime | None = None) -> list[int]:
    """Claim channels that have messages to send now.

    Args:
        limit: at most so many.
        now: the current time.

    Returns:
        The events' ids; each is to be handed to `deliver`.
    """
    now = now or timezone.now()
    free = Q(delivering_until=None) | Q(delivering_until__lte=now)
    due = (
        Message.objects.filter(delivery=Message.Delivery.WAITING, attempt_at__lte=now)
        .values("event_id")
        .annotate(first=Min("created_at"))
        .order_by("first")
        .values_list("event_id", flat=True)
    )
    candidates = Channel.objects.filter(free, pk__in=list(due[: 4 * limit])).values_list("pk", flat=True)
    return [
        channel_id
        for channel_id in candidates[:limit]
        if Channel.objects.filter(free, pk=channel_id).update(delivering_until=now + LEASE)
    ]


def abandon(channel_ids: Collection[int]) -> None:
    """Leave claimed channels to other workers, at once."""
    Channel.objects.filter(pk__in=channel_ids).update(delivering_until=None)


def deliver(
    channel_id: int, *, send: Send = send_to_meeting, clock: Callable[[], datetime] = timezone.now
) -> int:
    """Send what waits in a channel that was claimed, then give the claim up.

    Args:
        channel_id: the event's id.
        send: see `Send`.
        clock: tells the time.

    Returns:
        How many messages were sent.
    """
    sent = 0
    try:
        for message in _next_messages(channel_id, clock()):
            if not _deliver_one(message, send, clock):
                break
            sent += 1
            Channel.objects.filter(pk=channel_id).update(delivering_until=clock() + LEASE)
    finally:
        Channel.objects.filter(pk=channel_id).update(delivering_until=None)
    return sent


def _next_messages(channel_id: int, now: datetime) -> list[Message]:
    """The oldest messages that wait, as many as the rate allows; none while the oldest one pauses."""
    of_channel = Message.objects.filter(event_id=channel_id)
    just_sent = of_channel.filter(sent_at__gt=now - RATE_WINDOW).count()
    room = max(0, settings.CHAT_DELIVERY_PER_SECOND - just_sent)
    waiting = list(
        of_channel.filter(delivery=Message.Delivery.WAITING)
        .select_related("event")
        .order_by("created_at", "pk")[:room]
    )
    if waiting and waiting[0].attempt_at is not None and waiting[0].attempt_at > now:
        return []
    return waiting


def _deliver_one(message: Message, send: Send, clock: Callable[[], datetime]) -> bool:
    """Send one message; False when those after it must wait."""
    livestream = (
        Livestream.objects.select_related("meeting", "event", "gateway__broadcaster")
        .filter(event_id=message.event_id)
        .first()
    )
    row = Message.objects.filter(pk=message.pk)
    if livestream is None or not livestream.is_running:
        _give_up(message, "the webinar is not running", code="chat_not_running")
        return True
    try:
        is_whole = send(livestream, message)
    except NotDeliveredError as error:
        attempts = message.attempts + 1
        if error.permanent or attempts >= ATTEMPTS:
            _give_up(message, str(error), code=error.code)
            return True
        row.update(attempts=attempts, delivery_error=error.code)
        _pause(message, min(LONGEST_PAUSE, timedelta(seconds=2 ** (attempts - 1))), error, clock)
        return False
    if not is_whole:
        # A piece counts as a message for the rate, so the next one has a turn of its own.
        turn = clock() + RATE_WINDOW / settings.CHAT_DELIVERY_PER_SECOND
        row.update(
            pieces_sent=F("pieces_sent") + 1, attempts=0, delivery_error="", sent_at=clock(), attempt_at=turn
        )
        return False
    row.update(delivery=Message.Delivery.SENT, delivery_error="", sent_at=clock())
    return True


def _pause(
    message: Message, pause: timedelta, error: NotDeliveredError, clock: Callable[[], datetime]
) -> None:
    """Have those behind wait as long as the one that failed, so that the order holds and nobody looks in vain."""
    behind = Message.objects.filter(event_id=message.event_id, delivery=Message.Delivery.WAITING)
    behind.update(attempt_at=clock() + pause)
    log.warning("chat for event %s: tried again in %s: %s", message.event_id, pause, error)


def _give_up(message: Message, reason: str, *, code: str) -> None:
    log.warning("chat for event %s: message %s was not sent: %s", message.event_id, message.pk, reason)
    with transaction.atomic():
        waiting = Message.objects.filter(pk=message.pk, delivery=Message.Delivery.WAITING)
        if waiting.update(delivery=Message.Delivery.FAILED, delivery_error=code[:40]):
            publish(
                message.event_id, "delivery", {"id": str(message.pk), "delivery": Message.Delivery.FAILED}
            )
