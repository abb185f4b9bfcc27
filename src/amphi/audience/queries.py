"""Reads of the audience."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import reduce, wraps
from operator import or_
from typing import ParamSpec, TypeVar

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from amphi.audience.channel import Reading, Row
from amphi.audience.exceptions import LogUnavailableError
from amphi.audience.models import (
    Audience,
    Broadcaster,
    Channel,
    Event,
    EventState,
    Message,
    Role,
    StreamMessage,
    Visibility,
)
from amphi.audience.redaction import unnamed

AUDIENCE_FRESH = timedelta(seconds=15)
GAP_ROWS = 500
"""The most rows of one read for a listener who missed messages; it reads again for more."""
NEWS_ROWS = 5000
"""The most rows of one read of new messages in all streams."""


def listener_state(event: Event, now: datetime) -> EventState:
    """The state of `event` for listeners. Without a livestream it follows from the planned hours."""
    if event.state:
        return EventState(event.state)
    if now < event.start_at:
        return EventState.WAITING
    return EventState.LIVE if now < event.end_at else EventState.OVER


def state_content(event: Event, now: datetime) -> dict[str, object]:
    """The ``state`` message of the event stream."""
    return {
        "state": listener_state(event, now),
        "since": (event.since or event.start_at).isoformat(),
        "starts_at": event.start_at.isoformat(),
        "stream": _picture_mark(event.broadcaster),
    }


def _picture_mark(broadcaster: Broadcaster) -> str:
    """A mark that changes with the picture's address. The name alone would not do, since two live servers may use the same."""
    return hashlib.sha256(broadcaster.hls_url.encode()).hexdigest()[:16]


def chat_content(event: Event) -> dict[str, object]:
    """The ``chat`` message of the event stream: whether the discussion is open, and how it goes."""
    return {
        "enabled": event.enable_chat,
        "mode": event.chat_mode,
        "slow_s": event.slow_s,
        "guests": event.guests_may_write,
        "names_hidden": event.names_hidden,
    }


QUOTED = 140
"""Characters of a message that another answers."""


def message_content(message: Message, *, named: bool = False) -> dict[str, object]:
    """The ``message`` message of the event stream.

    Args:
        message: with its event, and what it answers.
        named: whether a listener's name is told where it is hidden: to those who keep order, never on the stream.
    """
    quoted = message.reply_to
    return {
        "id": str(message.pk),
        "author": shown_name(message, named=named),
        "role": shown_role(message),
        "text": message.text,
        "source": message.source,
        "at": message.created_at.isoformat(),
        "reply": {
            "id": str(quoted.pk),
            "author": shown_name(quoted, named=named),
            "role": shown_role(quoted),
            "text": quoted.text[:QUOTED],
        }
        if quoted is not None and quoted.visibility == Visibility.SHOWN
        else None,
    }


def shown_role(message: Message) -> str:
    """As whom its author wrote."""
    return Role.PRESENTER if message.source == Message.Source.MEETING else message.role


def shown_name(message: Message, *, named: bool = False) -> str:
    """The name that listeners see; empty of a listener where names are hidden."""
    is_listener = message.source == Message.Source.LISTENER and message.role in {Role.LISTENER, Role.GUEST}
    return "" if is_listener and message.event.names_hidden and not named else message.author_name


def pin_content(event: Event) -> dict[str, object] | None:
    """The message that stands above the discussion."""
    if event.pinned is None:
        return None
    event.pinned.event = event
    return message_content(event.pinned)


def last_messages(event: Event, count: int = 50) -> list[Message]:
    """The last `count` messages of `event` that are shown, oldest first."""
    shown = event.messages.filter(
        visibility=Visibility.SHOWN, source__in=[Message.Source.LISTENER, Message.Source.MEETING]
    ).select_related("reply_to")
    found = list(reversed(shown.order_by("-created_at", "-pk")[:count]))
    for message in found:
        # They are of this one, whose columns needn't be read again.
        message.event = event
        if message.reply_to is not None:
            message.reply_to.event = event
    return found


def last_seq(event: Event) -> int:
    """The number of the last message in the stream of `event`."""
    return Channel.objects.filter(pk=event.pk).values_list("last_seq", flat=True).first() or 0


def viewers(event_id: int) -> int:
    """How many listeners have the page of an event open, over all processes."""
    fresh = Audience.objects.filter(event_id=event_id, seen_at__gt=timezone.now() - AUDIENCE_FRESH)
    return fresh.aggregate(total=Sum("viewers"))["total"] or 0


P = ParamSpec("P")
T = TypeVar("T")


def reading(method: Callable[P, T]) -> Callable[P, T]:
    """Close the thread's connection when the database failed, so that the next read opens a new one."""

    @wraps(method)
    def read(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except DatabaseError as error:
            connection.close()
            raise LogUnavailableError(str(error)) from error

    return read


class DatabaseLog:
    """`hub.Log` on the database: the event streams, read in a few threads for all listeners of a process.

    Args:
        counted: called after each count of viewers.
    """

    def __init__(self, counted: Callable[[], None] | None = None) -> None:
        self._counted = counted

    @reading
    def opening(self, event_id: int, backlog: int) -> Reading | None:
        # Read the number first: a message committed in between is then sent twice rather than missed.
        channel = Channel.objects.filter(pk=event_id).values_list("last_seq", "listeners_told").first()
        head, listeners = channel or (0, 0)
        event = Event.objects.select_related("broadcaster", "pinned").filter(pk=event_id).first()
        if event is None:
            return None
        snapshot = {
            **state_content(event, timezone.now()),
            "chat": chat_content(event),
            "pinned": pin_content(event),
            "listeners": listeners,
        }
        rows = StreamMessage.objects.filter(channel_id=event_id, seq__gt=head - backlog, seq__lte=head)
        return Reading(head=head, rows=_rows(rows, backlog), snapshot=snapshot)

    @reading
    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        heads = Channel.objects.filter(pk__in=known).values_list("pk", "last_seq")
        changed = {event_id: head for event_id, head in heads if head > known[event_id]}
        if not changed:
            return {}
        wanted = reduce(
            or_,
            (
                Q(channel_id=event_id, seq__gt=known[event_id], seq__lte=head)
                for event_id, head in changed.items()
            ),
        )
        found: dict[int, list[Row]] = {event_id: [] for event_id in changed}
        rows = StreamMessage.objects.filter(wanted).order_by("channel_id", "seq")
        # The limit leaves no gap in any channel; the rest is read next time.
        for row in rows.values_list("channel_id", "seq", "kind", "data")[:NEWS_ROWS]:
            found[row[0]].append(Row(*row[1:]))
        return found

    @reading
    def between(self, event_id: int, after: int, until: int) -> list[Row]:
        rows = StreamMessage.objects.filter(channel_id=event_id, seq__gt=after, seq__lt=until)
        return _rows(rows, GAP_ROWS)

    @reading
    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        now = timezone.now()
        Audience.objects.filter(process=process).exclude(event_id__in=viewers).delete()
        Audience.objects.filter(seen_at__lt=now - 4 * AUDIENCE_FRESH).delete()
        present = set(Event.objects.filter(pk__in=viewers).values_list("pk", flat=True))
        Audience.objects.bulk_create(
            [
                Audience(process=process, event_id=event_id, viewers=number, seen_at=now)
                for event_id, number in viewers.items()
                if event_id in present
            ],
            update_conflicts=True,
            unique_fields=["event", "process"],
            update_fields=["viewers", "seen_at"],
        )
        if self._counted is not None:
            self._counted()

    def close(self) -> None:
        connection.close()


def _rows(rows: QuerySet[StreamMessage], most: int) -> list[Row]:
    found = rows.order_by("seq").values_list("seq", "kind", "data", "channel__event__names_hidden")[:most]
    return [Row(seq, kind, unnamed(kind, data) if hidden else data) for seq, kind, data, hidden in found]
