"""Emoji on messages: each viewer gives each kind once to a message. What is told is the sums, once a second at most."""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from amphi.audience.domain import publish
from amphi.audience.exceptions import ChatClosedError, TooManyMessagesError
from amphi.audience.models import Event, Message, MessageReaction, Restraint, Visibility
from amphi.audience.pace import Pace
from amphi.audience.pulse import pulse
from amphi.audience.reactions import REACTIONS
from amphi.audience.speakers import Speaker

_pace = Pace(most=60, window_s=60)


def react(
    event: Event, speaker: Speaker, *, message_id: uuid.UUID, kind: str, wanted: bool
) -> dict[str, int]:
    """Give a message one's emoji, or take it back; the sums as they are then.

    Raises:
        ChatError: the discussion is closed to them, the message is not shown, or they press too fast.
    """
    held = Restraint.objects.filter(event=event, viewer=speaker.viewer).exists()
    shown = Message.objects.filter(pk=message_id, event=event, visibility=Visibility.SHOWN).first()
    if not event.enable_chat or held or shown is None or kind not in REACTIONS:
        raise ChatClosedError(_("You can’t react to this message."))
    if not _pace.take(speaker.viewer):
        raise TooManyMessagesError(_("You react too fast. Wait a little."))
    with transaction.atomic():
        if wanted:
            MessageReaction.objects.get_or_create(message=shown, viewer=speaker.viewer, kind=kind)
        else:
            MessageReaction.objects.filter(message=shown, viewer=speaker.viewer, kind=kind).delete()
        transaction.on_commit(partial(pulse.add, publish_sums, event.pk, str(message_id)))
    return sums([message_id]).get(message_id, {})


def sums(messages: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """How often each emoji stands on some messages."""
    rows = (
        MessageReaction.objects.filter(message__in=messages)
        .values("message", "kind")
        .annotate(count=Count("pk"))
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["message"], {})[row["kind"]] = row["count"]
    return found


def given(viewer: str, messages: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """What a viewer gave to some messages."""
    rows = MessageReaction.objects.filter(message__in=messages, viewer=viewer).values_list("message", "kind")
    found: dict[uuid.UUID, list[str]] = {}
    for message, kind in rows:
        found.setdefault(message, []).append(kind)
    return found


def publish_sums(event_id: int, messages: Mapping[str, int]) -> None:
    """Tell the sums of the messages that were reacted to in the last second."""
    ids = [uuid.UUID(one) for one in Counter(messages)]
    known = sums(ids)
    publish(event_id, "reacted", {"sums": {str(one): known.get(one, {}) for one in ids}})
