"""Order in the hall: what presenters and moderators do to messages and to people. Nothing is deleted: the record keeps it."""

import logging
import uuid
from collections.abc import Collection
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience import hands, questions
from amphi.audience.chat_rules import delivery_of
from amphi.audience.domain import publish, retract
from amphi.audience.exceptions import ModerationError
from amphi.audience.models import Event, Guest, Message, Question, Restraint, Role, Visibility
from amphi.audience.queries import message_content, pin_content
from amphi.audience.rights import moderates_event

log = logging.getLogger("webinar")

HIDDEN_AT_ONCE = 200
"""Messages of somebody who is excluded, the newest of theirs."""
LISTED = 50


def _locked(event: Event, message_id: uuid.UUID) -> Message:
    found = Message.objects.select_for_update().filter(pk=message_id, event=event).first()
    if found is None:
        raise ModerationError(_("This message is no longer there."))
    return found


@transaction.atomic
def approve(event: Event, message_id: uuid.UUID, *, by: User) -> Message:
    """Show a message that waits; it is told as one that is written now. A message that is shown already stays as it is.

    Raises:
        ModerationError: it is not there.
    """
    message = _locked(event, message_id)
    if message.visibility != Visibility.WAITING:
        return message
    message.visibility = Visibility.SHOWN
    message.created_at = message.attempt_at = timezone.now()
    message.delivery = delivery_of(event, message.role, is_chosen=True)
    message.moderated_by = by
    message.save(update_fields=["visibility", "created_at", "attempt_at", "delivery", "moderated_by"])
    publish(event.pk, "message", message_content(message), about=message.pk)
    return message


@transaction.atomic
def hide(event: Event, message_id: uuid.UUID, *, by: User) -> None:
    """Take a message away from all pages, and refuse one that waits.

    Raises:
        ModerationError: it is not there.
    """
    message = _locked(event, message_id)
    _hide(event, [message], by)


def _hide(event: Event, messages: list[Message], by: User) -> None:
    ids = [message.pk for message in messages]
    rows = Message.objects.filter(pk__in=ids)
    rows.filter(delivery=Message.Delivery.WAITING).update(delivery=Message.Delivery.NONE)
    rows.update(visibility=Visibility.HIDDEN, moderated_by=by)
    if event.pinned_id in ids:
        _pin(event, None)
    _tell_gone(event, ids)
    log.info("hide in event %s: %s messages by user %s", event.pk, len(ids), by.pk)


def _tell_gone(event: Event, ids: list[uuid.UUID]) -> None:
    if ids:
        retract(event.pk, ids)
        publish(event.pk, "hidden", {"ids": [str(one) for one in ids]})


@transaction.atomic
def delete(messages: Collection[Message]) -> None:
    """Delete messages from the record too, as administrators may."""
    for event in Event.objects.filter(messages__in=messages).distinct():
        rows = event.messages.select_for_update().filter(pk__in=[one.pk for one in messages])
        ids = list(rows.values_list("pk", flat=True))
        if event.pinned_id in ids:
            _pin(event, None)
        _tell_gone(event, ids)
        event.messages.filter(pk__in=ids).delete()


@transaction.atomic
def pin(event: Event, message_id: uuid.UUID) -> None:
    """Have one message stand above the discussion, in place of the one that did.

    Raises:
        ModerationError: it is not there, or not shown.
    """
    message = _locked(event, message_id)
    if message.visibility != Visibility.SHOWN:
        raise ModerationError(_("Only a message that is shown can be pinned."))
    _pin(event, message)


@transaction.atomic
def unpin(event: Event) -> None:
    """Have no message stand above the discussion."""
    _pin(event, None)


def _pin(event: Event, message: Message | None) -> None:
    event.pinned = message
    Event.objects.filter(pk=event.pk).update(pinned=message)
    said = {"message": pin_content(event), "at": timezone.now().isoformat()}
    publish(event.pk, "pin", said, about=event.pinned_id)


@transaction.atomic
def pass_on(event: Event, message_id: uuid.UUID, *, by: User) -> None:
    """Send a message that is shown into the meeting, whatever else is sent there; once.

    Raises:
        ModerationError: it is not shown, came from there, or is there.
    """
    message = _locked(event, message_id)
    if message.source != Message.Source.LISTENER or message.visibility != Visibility.SHOWN or not event.state:
        raise ModerationError(_("This message can’t be sent into the meeting."))
    if message.delivery == Message.Delivery.NONE:
        message.delivery, message.attempt_at = Message.Delivery.WAITING, timezone.now()
        message.moderated_by = by
        message.save(update_fields=["delivery", "attempt_at", "moderated_by"])


@transaction.atomic
def restrain(event: Event, message_id: uuid.UUID, *, kind: str, by: User) -> Restraint:
    """Take the word from the author of a message, or exclude them, with what they wrote.

    Who is excluded stops watching as with any right that is withdrawn (`rights`); a guest's network gives no more guests.

    Args:
        event: where; elsewhere they are as before.
        message_id: one of theirs.
        kind: one of `Restraint.Kind`.
        by: who decides.

    Raises:
        ModerationError: it is somebody who presents or moderates, or is not known here.
    """
    message = _locked(event, message_id)
    keeps_order = message.role in {Role.PRESENTER, Role.MODERATOR}
    if not message.viewer or keeps_order:
        raise ModerationError(_("This can’t be done to somebody who presents or moderates."))
    who = _Somebody(message.viewer, message.author_name, message.network)
    return _restrain(event, who, kind=kind, by=by)


@transaction.atomic
def restrain_asker(event: Event, question_id: uuid.UUID, *, kind: str, by: User) -> Restraint:
    """The same to who asked a question, whoever sees their name.

    Raises:
        ModerationError: it is somebody who presents or moderates, or the question is gone.
    """
    question = Question.objects.select_related("author").filter(pk=question_id, event=event).first()
    if question is None:
        raise ModerationError(_("This question is no longer there."))
    if question.author is not None and moderates_event(question.author, event):
        raise ModerationError(_("This can’t be done to somebody who presents or moderates."))
    guest = Guest.objects.filter(event=event, viewer=question.viewer).first()
    who = _Somebody(question.viewer, question.author_name, guest.network if guest else "")
    return _restrain(event, who, kind=kind, by=by)


class _Somebody(NamedTuple):
    viewer: str
    name: str
    network: str


def _restrain(event: Event, who: _Somebody, *, kind: str, by: User) -> Restraint:
    excludes = kind == Restraint.Kind.BANNED
    found, _made = Restraint.objects.update_or_create(
        event=event,
        viewer=who.viewer,
        defaults={"kind": kind, "name": who.name, "network": who.network if excludes else "", "by": by},
    )
    if excludes:
        theirs = Message.objects.filter(event=event, viewer=who.viewer).exclude(visibility=Visibility.HIDDEN)
        _hide(event, list(theirs.order_by("-created_at")[:HIDDEN_AT_ONCE]), by)
        questions.hide_all_of(event, who.viewer)
    hands.lower(event, viewer=who.viewer)
    log.info("%s in event %s: viewer %s by user %s", kind, event.pk, who.viewer, by.pk)
    return found


def lift(event: Event, restraint_id: int) -> None:
    """Give somebody back what was taken from them."""
    Restraint.objects.filter(pk=restraint_id, event=event).delete()


def moderators_content(event: Event) -> dict[str, object]:
    """What those who keep order see besides: never part of the public stream."""
    waiting = event.messages.filter(visibility=Visibility.WAITING).select_related("reply_to")
    named = (
        event.messages.filter(visibility=Visibility.SHOWN)
        .order_by("-created_at")
        .values_list("pk", "author_name")
    )
    restraints = event.restraints.order_by("-created_at")[:LISTED]
    return {
        "waiting": [message_content(one, named=True) for one in waiting.order_by("created_at")[:LISTED]],
        "waiting_count": waiting.count(),
        "names": {str(pk): name for pk, name in named[: 2 * LISTED]} if event.names_hidden else {},
        "restraints": [
            {"id": one.pk, "name": one.name, "kind": one.kind, "label": one.get_kind_display()}
            for one in restraints
        ],
        "mode": event.chat_mode if event.enable_chat else "closed",
    }
