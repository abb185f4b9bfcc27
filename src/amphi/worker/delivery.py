"""Listeners' messages, sent into the meeting: in order, at a bounded rate, at least once.

A channel with messages that wait is claimed by a lease on its row, so that any number of workers share the work and no message
overtakes another. Sending happens outside transactions. What is tried in vain is tried again, ever more slowly; what can't be
sent is marked, and moderators see it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Min
from django.utils import timezone

from amphi.audience.domain import publish
from amphi.audience.models import Channel, Message
from amphi.system import leases
from amphi.system.leases import Lease, LeaseLostError
from amphi.webinars.models import Livestream
from amphi.worker.meeting_chat import NotDeliveredError, send_to_meeting

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=30)
"""Longer than that of looks: a worker that lost one may have said something that another says again."""
RATE_WINDOW = timedelta(seconds=1)
ATTEMPTS = 8
"""After which a message counts as not sent: about two minutes."""
LONGEST_PAUSE = timedelta(seconds=30)

Send = Callable[[Livestream, Message], bool]
"""Puts one message, or the next piece of a long one, into the meeting; whether all of it is there."""


def claim_due(*, limit: int, worker: str = "", now: datetime | None = None) -> list[Lease]:
    """Claim channels that have messages to send now; each is to be handed to `deliver`.

    Args:
        limit: at most so many.
        worker: who claims them.
        now: the current time.
    """
    now = now or timezone.now()
    waiting = (
        Message.objects.filter(delivery=Message.Delivery.WAITING, attempt_at__lte=now)
        .values("event_id")
        .annotate(first=Min("created_at"))
        .order_by("first")
        .values_list("event_id", flat=True)
    )
    due = Channel.objects.filter(pk__in=list(waiting[: 4 * limit]))
    return leases.claim(due, worker=worker, limit=limit, length=LEASE, now=now)


def deliver(
    lease: Lease, *, send: Send = send_to_meeting, clock: Callable[[], datetime] = timezone.now
) -> int:
    """Send what waits in a channel that was claimed, then give it back.

    Args:
        lease: the channel's.
        send: see `Send`.
        clock: tells the time.

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
        # A piece counts as a message for the rate, so the next one has a turn of its own.
        turn = now + RATE_WINDOW / settings.CHAT_DELIVERY_PER_SECOND
        columns = {"pieces_sent": F("pieces_sent") + 1, "attempts": 0, "sent_at": now, "attempt_at": turn}
    with lease.writing():
        Message.objects.filter(pk=message.pk).update(delivery_error="", **columns)
    return is_whole


def _not_delivered(lease: Lease, message: Message, error: NotDeliveredError, now: datetime) -> bool:
    """Give up, or have the message and those behind it wait, so that the order holds and nobody looks in vain; whether it is given up."""
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
