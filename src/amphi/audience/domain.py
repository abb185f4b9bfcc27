"""Writes of the audience: the event stream, the chat, tickets."""

import json
import logging
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.accounts.models import User
from amphi.audience import hub
from amphi.audience.exceptions import (
    ChatClosedError,
    EmptyMessageError,
    MessageTooLongError,
    NothingRunsError,
    TooManyMessagesError,
)
from amphi.audience.models import (
    HAND_UP,
    ON_AIR,
    Channel,
    Event,
    EventState,
    Hand,
    HandState,
    Message,
    Registration,
    StreamMessage,
)
from amphi.audience.queries import chat_content, listener_state, message_content, state_content
from amphi.audience.rights import password_mark, registration_mark
from amphi.system import tickets
from amphi.system.typed import clean_line, clean_text

log = logging.getLogger(__name__)

VISITOR_BYTES = 12
RATE_WINDOW = timedelta(minutes=1)


# --- the event stream


def publish(event_id: int, kind: str, data: Mapping[str, object]) -> int:
    """Append one message to the event stream of an event, in the caller's transaction.

    The update of the channel's row is a lock until the commit, which orders the messages. So whoever reads ``last_seq`` also sees every
    message up to that number.

    Args:
        event_id: the live event.
        kind: the message's ``event:`` name.
        data: its JSON object.

    Returns:
        Its number in the stream.
    """
    with transaction.atomic():
        seq = _next_seq(event_id)
        StreamMessage.objects.create(
            channel_id=event_id,
            seq=seq,
            kind=kind,
            data=json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        )
        transaction.on_commit(hub.wake)
    return seq


def _next_seq(event_id: int) -> int:
    channel = Channel.objects.filter(pk=event_id)
    if not channel.update(last_seq=F("last_seq") + 1):
        Channel.objects.get_or_create(pk=event_id)
        channel.update(last_seq=F("last_seq") + 1)
    return channel.values_list("last_seq", flat=True).get()


def lock_stream(event_id: int) -> None:
    """Lock the stream of an event until the caller's transaction ends. `publish` does that itself."""
    Channel.objects.get_or_create(pk=event_id)
    Channel.objects.select_for_update().get(pk=event_id)


def publish_state(event_id: int) -> int:
    """Publish the state of an event to its listeners; see `queries.listener_state`."""
    event = Event.objects.select_related("broadcaster").get(pk=event_id)
    return publish(event_id, "state", state_content(event, timezone.now()))


def set_state(
    event_id: int,
    state: EventState,
    *,
    since: datetime,
    held_since: datetime | None,
    is_backstage: bool = False,
) -> None:
    """Write the state of an event and publish it to its listeners, in the transaction that changes the live itself.

    Args:
        event_id: an event with a livestream.
        state: the state for listeners.
        since: when that state began.
        held_since: since when the live holds its broadcaster's stream; None when it does not.
        is_backstage: True while nobody may watch it yet.
    """
    Event.objects.filter(pk=event_id).update(
        state=state, since=since, stream_held_since=held_since, is_backstage=is_backstage
    )
    if state == EventState.OVER:
        Hand.objects.filter(event_id=event_id, state__in=HAND_UP).update(state=HandState.LOWERED)
    publish_state(event_id)


def publish_chat_setting(event: Event) -> int:
    """Publish to the listeners of `event` whether its discussion is open, and its options."""
    return publish(event.pk, "chat", chat_content(event))


# --- chat


def write_message(event: Event, *, user: User, text: str, message_id: uuid.UUID | None = None) -> Message:
    """Store a listener's message, publish it, and queue it for the meeting.

    Args:
        event: the event.
        user: the sender; `access.can_write` must have allowed it.
        text: up to ``CHAT_MESSAGE_MAX_LENGTH`` characters.
        message_id: the sender's own id; a message that is sent twice is stored once.

    Raises:
        ChatError: it was refused; the text says why.
    """
    text = clean_text(text)
    _check_text(text)
    if not event.enable_chat:
        raise ChatClosedError(_("The message was not sent: the chat is closed."))
    now = timezone.now()
    if listener_state(event, now) not in ON_AIR:
        raise NothingRunsError(_("The message was not sent: the webinar is not running."))
    try:
        return _store(event, user=user, text=text, message_id=message_id, now=now)
    except IntegrityError:
        if Event.objects.filter(pk=event.pk).exists():
            raise
        # The event was deleted while this message waited.
        raise NothingRunsError(_("The message was not sent: the webinar is not running.")) from None


def _store(event: Event, *, user: User, text: str, message_id: uuid.UUID | None, now: datetime) -> Message:
    with transaction.atomic():
        # Locked, so that two messages at once, even in different events, are both counted.
        # ``no_key``: writing rows that refer to this person does not wait for this lock.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = (
            Message.objects.filter(pk=message_id, event=event, author=user).first() if message_id else None
        )
        if known is not None:
            return known
        _check_rate(user, now)
        message = Message.objects.create(
            id=uuid.uuid4() if message_id is None or _is_taken(message_id) else message_id,
            event=event,
            source=Message.Source.LISTENER,
            author=user,
            author_name=str(user),
            text=text,
            # An event without a livestream has no meeting to send it to.
            delivery=Message.Delivery.WAITING if event.state else Message.Delivery.NONE,
            attempt_at=now,
        )
        publish(event.pk, "message", message_content(message))
    return message


def _is_taken(message_id: uuid.UUID) -> bool:
    return Message.objects.filter(pk=message_id).exists()


def _check_text(text: str) -> None:
    limit = settings.CHAT_MESSAGE_MAX_LENGTH
    if not text:
        raise EmptyMessageError(_("Write a message first."))
    if len(text) > limit:
        raise MessageTooLongError(
            ngettext(
                "The message was not sent: it has more than %(limit)d character.",
                "The message was not sent: it has more than %(limit)d characters.",
                limit,
            )
            % {"limit": limit}
        )


def _check_rate(user: User, now: datetime) -> None:
    written = Message.objects.filter(author=user, created_at__gt=now - RATE_WINDOW).count()
    if written >= settings.CHAT_RATE_PER_MINUTE:
        raise TooManyMessagesError(_("The message was not sent: you write too fast. Wait a little."))


def record_meeting_message(
    event: Event, *, meeting_message_id: str, author_name: str, text: str, sent_at: datetime
) -> Message | None:
    """Store a message from the meeting and publish it, once, however often it is reported.

    Args:
        event: the live event of the meeting.
        meeting_message_id: the meeting server's id of the message.
        author_name: as the meeting shows it.
        text: plain text.
        sent_at: when it was sent there; a time in the future counts as now.

    Returns:
        The message; None when it was known already or has no visible text.
    """
    text = clean_text(text)
    if not text:
        return None
    try:
        with transaction.atomic():
            message = Message.objects.create(
                event=event,
                source=Message.Source.MEETING,
                author_name=clean_line(author_name)[:255],
                text=text,
                meeting_message_id=meeting_message_id,
            )
            message.created_at = min(sent_at, message.created_at)
            message.save(update_fields=["created_at"])
            publish(event.pk, "message", message_content(message))
    except IntegrityError:
        if Message.objects.filter(meeting_message_id=meeting_message_id).exists():
            return None
        raise
    return message


# --- tickets


def ticket_key() -> bytes:
    """The key that signs tickets: the one shared with the origin, or else the platform's own."""
    return (settings.AMPHI_TICKET_KEY or settings.SECRET_KEY).encode()


def new_visitor() -> str:
    """A random name for a browser without a login, so that all its tabs and visits count as one viewer."""
    return secrets.token_urlsafe(VISITOR_BYTES)


def is_visitor(name: str) -> bool:
    """Whether `name` may be one that `new_visitor` made."""
    return re.fullmatch(r"[A-Za-z0-9_-]{16}", name) is not None


def ticket_for(
    event: Event, user: User | AnonymousUser, visitor: str = "", registration: Registration | None = None
) -> str:
    """A ticket to the stream and the picture of `event`, for somebody who may watch it (`rights.can_watch`) and gave its password.

    Args:
        event: the event.
        user: the viewer.
        visitor: the browser's name (`new_visitor`) when nobody is logged in; without it, each ticket is a viewer of its own.
        registration: the registration whose personal link opened the event, if any; it takes precedence over the account.
    """
    mark = password_mark(event)
    if registration is not None:
        viewer, mark = registration.viewer, registration_mark(registration)
    else:
        viewer = f"u{user.pk}" if isinstance(user, User) else f"a{visitor or new_visitor()}"
    expires_at = int(time.time() + settings.TICKET_LIFETIME.total_seconds())
    return tickets.mint(
        ticket_key(),
        tickets.Ticket(
            event_id=event.pk,
            stream=event.broadcaster.stream,
            viewer=viewer,
            expires_at=expires_at,
            password_mark=mark,
        ),
    )


def hls_url_for(event: Event, ticket: str) -> str:
    """The HLS address of `event` for the holder of `ticket`."""
    broadcaster = event.broadcaster
    return tickets.in_path(broadcaster.hls_url, ticket) if broadcaster.has_tickets else broadcaster.hls_url
