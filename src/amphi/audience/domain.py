"""Writes of the audience: the event stream, the chat, tickets."""

import json
import logging
import re
import secrets
import time
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience import airings, chat_history, chat_rules, hub
from amphi.audience.crowding import has_room
from amphi.audience.exceptions import CrowdedError, NothingRunsError
from amphi.audience.models import (
    HAND_UP,
    ON_AIR,
    Channel,
    Event,
    EventState,
    Guest,
    Hand,
    HandState,
    Message,
    Registration,
    Role,
    StreamMessage,
    Visibility,
)
from amphi.audience.queries import chat_content, listener_state, message_content, state_content
from amphi.audience.redaction import redacted
from amphi.audience.rights import password_mark, registration_mark
from amphi.audience.speakers import Speaker, account_speaker
from amphi.system import rows, tickets
from amphi.system.typed import clean_line, clean_text

log = logging.getLogger(__name__)

VISITOR_BYTES = 12


# --- the event stream


def publish(event_id: int, kind: str, data: Mapping[str, object], *, about: uuid.UUID | None = None) -> int:
    """Append one message to the event stream of an event, in the caller's transaction.

    The update of the channel's row is a lock until the commit, which orders the messages. So whoever reads ``last_seq`` also sees every
    message up to that number.

    Args:
        event_id: the live event.
        kind: the message's ``event:`` name.
        data: its JSON object.
        about: the message, question or poll whose text `data` has; see `retract`.

    Returns:
        Its number in the stream.
    """
    # A savepoint would cost two statements more, and nobody goes on without this message.
    with transaction.atomic(savepoint=False):
        seq = _next_seq(event_id)
        rows.insert(
            StreamMessage(
                channel_id=event_id,
                seq=seq,
                kind=kind,
                data=json.dumps(data, ensure_ascii=False, separators=(",", ":")),
                about=about,
            )
        )
        transaction.on_commit(hub.wake)
    return seq


_NEXT = "UPDATE audience_channel SET last_seq = last_seq + 1 WHERE event_id = %s RETURNING last_seq"


def _next_seq(event_id: int) -> int:
    with connection.cursor() as cursor:
        found = cursor.execute(_NEXT, [event_id]).fetchall()
        if not found:
            Channel.objects.get_or_create(pk=event_id)
            found = cursor.execute(_NEXT, [event_id]).fetchall()
    return int(found[0][0])


def lock_stream(event_id: int) -> None:
    """Lock the stream of an event until the caller's transaction ends. `publish` does that itself."""
    if not Channel.objects.select_for_update().filter(pk=event_id):
        Channel.objects.get_or_create(pk=event_id)
        Channel.objects.select_for_update().get(pk=event_id)


def retract(event_id: int, gone: Collection[uuid.UUID]) -> None:
    """Take the text of messages, questions or polls out of the earlier messages of the stream, also where others quote them.

    The caller's transaction has locked their rows, and publishes that they are gone: that has hubs forget what they keep.
    """
    lock_stream(event_id)
    names = {str(one) for one in gone}
    replies = Message.objects.filter(reply_to__in=gone).values_list("pk", flat=True)
    rows = StreamMessage.objects.filter(channel_id=event_id, about__in=[*gone, *replies])
    for row in rows:
        row.kind, row.data = redacted(row.kind, row.data, names)
    StreamMessage.objects.bulk_update(rows, ["kind", "data"], batch_size=200)


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
    airings.follow(event_id, state, timezone.now())
    publish_state(event_id)


def publish_chat_setting(event: Event) -> int:
    """Publish to the listeners of `event` whether its discussion is open, and its options."""
    return publish(event.pk, "chat", chat_content(event))


# --- chat


def write_message(
    event: Event,
    *,
    user: User | None = None,
    speaker: Speaker | None = None,
    text: str,
    message_id: uuid.UUID | None = None,
    reply_to: uuid.UUID | None = None,
) -> Message:
    """Store what somebody says, tell it to all, and have it sent to the meeting, as the rules of the discussion say.

    Args:
        event: where.
        user: who; whether they may be there is `access.writer`'s to say.
        speaker: the same, also of a guest.
        text: up to ``CHAT_MESSAGE_MAX_LENGTH`` characters.
        message_id: the sender's own id: sent twice, it is stored once.
        reply_to: the message that it answers; one that is not shown is left out.

    Raises:
        ChatError: it was refused; the text says why.
    """
    if speaker is None:
        if user is None:
            raise TypeError("a message without an author")
        speaker = account_speaker(user, event)
    text = chat_rules.text_of(text)
    if not (speaker.keeps_order or has_room(event.pk, speaker.network)):
        raise CrowdedError(
            _("The message was not sent: many people write just now. Send it again in a moment.")
        )
    chat_rules.check_may_write(event, speaker)
    now = timezone.now()
    if listener_state(event, now) not in ON_AIR:
        raise NothingRunsError(_("The message was not sent: the webinar is not running."))
    try:
        return _store(event, speaker, text=text, message_id=message_id, reply_to=reply_to, now=now)
    except IntegrityError:
        if Event.objects.filter(pk=event.pk).exists():
            raise
        # The event was deleted while this message waited.
        raise NothingRunsError(_("The message was not sent: the webinar is not running.")) from None


def _store(
    event: Event,
    speaker: Speaker,
    *,
    text: str,
    message_id: uuid.UUID | None,
    reply_to: uuid.UUID | None,
    now: datetime,
) -> Message:
    with transaction.atomic():
        _lock(event, speaker)
        lately = chat_history.look(event, speaker, message_id=message_id, now=now)
        chat_rules.check_not_muted(speaker, lately)
        known = Message.objects.get(pk=message_id) if message_id and lately.is_sent else None
        if known is not None and (known.event_id, known.viewer) == (event.pk, speaker.viewer):
            return known
        chat_rules.check_pace(event, speaker, lately, now)
        visibility = chat_rules.visibility_of(event, speaker, text)
        shown = visibility == Visibility.SHOWN
        message = Message(
            id=uuid.uuid4() if message_id is None or known else message_id,
            event=event,
            source=Message.Source.LISTENER,
            author=speaker.user,
            author_name=speaker.name,
            viewer=speaker.viewer,
            network=speaker.network,
            role=speaker.role,
            visibility=visibility,
            text=text,
            reply_to=_answered(event, reply_to),
            delivery=chat_rules.delivery_of(event, speaker.role, is_chosen=False)
            if shown
            else Message.Delivery.NONE,
            attempt_at=now,
        )
        rows.insert(message)
        if shown:
            publish(event.pk, "message", message_content(message), about=message.pk)
    return message


def _lock(event: Event, speaker: Speaker) -> None:
    """One's messages are counted one at a time, in whichever event: two at once can't both be the last allowed.

    A row that names the same person, written by whoever holds the channel, does not wait for this.
    """
    if speaker.user is not None:
        rows.lock(User, id=speaker.user.pk)
    else:
        rows.lock(Guest, event=event.pk, viewer=speaker.viewer)


def _answered(event: Event, message_id: uuid.UUID | None) -> Message | None:
    if message_id is None:
        return None
    # Locked, so that one that is hidden at this moment is either quoted before, and taken out, or not quoted.
    rows = Message.objects.select_for_update(no_key=True)
    found = rows.filter(pk=message_id, event=event, visibility=Visibility.SHOWN).first()
    if found is not None:
        found.event = event
    return found


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
                role=Role.PRESENTER,
                author_name=clean_line(author_name)[:255],
                text=text,
                meeting_message_id=meeting_message_id,
            )
            message.created_at = min(sent_at, message.created_at)
            message.save(update_fields=["created_at"])
            publish(event.pk, "message", message_content(message), about=message.pk)
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
    event: Event,
    user: User | AnonymousUser,
    visitor: str = "",
    registration: Registration | None = None,
    *,
    replay_id: int = 0,
) -> str:
    """A ticket to the stream and the picture of `event`, for somebody who may watch it (`rights.can_watch`) and gave its password.

    Args:
        event: the event.
        user: the viewer.
        visitor: the browser's name (`new_visitor`) when nobody is logged in; without it, each ticket is a viewer of its own.
        registration: the registration whose personal link opened the event, if any; it takes precedence over the account.
        replay_id: the replay that the ticket is for, in place of the live; whether somebody may see it is `replays.rights`'.
    """
    mark, epoch = password_mark(event), 0
    if registration is not None:
        viewer, mark = registration.viewer, registration_mark(registration)
    else:
        viewer = f"u{user.pk}" if isinstance(user, User) else f"a{visitor or new_visitor()}"
        epoch = user.tickets_epoch if isinstance(user, User) else 0
    expires_at = int(time.time() + settings.TICKET_LIFETIME.total_seconds())
    return tickets.mint(
        ticket_key(),
        tickets.Ticket(
            event_id=event.pk,
            stream=f"{tickets.REPLAY}{replay_id}" if replay_id else event.broadcaster.stream,
            viewer=viewer,
            expires_at=expires_at,
            password_mark=mark,
            epoch=epoch,
        ),
    )


def hls_url_for(event: Event, ticket: str) -> str:
    """The HLS address of `event` for the holder of `ticket`."""
    broadcaster = event.broadcaster
    return tickets.in_path(broadcaster.hls_url, ticket) if broadcaster.has_tickets else broadcaster.hls_url
