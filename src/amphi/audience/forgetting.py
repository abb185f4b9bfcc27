"""Taking a person out of the hall: what they said stays, since others answered it, and no longer has their name."""

import json
import secrets
import uuid
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _

from amphi.audience import attendance
from amphi.audience.domain import lock_stream
from amphi.audience.models import (
    Airing,
    Ballot,
    Event,
    Hand,
    Message,
    MessageReaction,
    Presence,
    Question,
    QuestionVote,
    Registration,
    Reminder,
    Restraint,
    StreamMessage,
)


def forget_person(*, user_ids: Collection[int], address: str = "") -> None:
    """Take a person out of all events, in the caller's transaction.

    Messages and questions lose their name; votes and reactions still count; hands, registrations, reminders, exclusions and minutes go.

    Args:
        user_ids: their accounts.
        address: their email address, where it is certain that it is theirs.
    """
    theirs = Q(user__in=user_ids)
    if address:
        theirs |= Q(address__iexact=address)
    registrations = Registration.objects.filter(theirs)
    viewers = [f"u{pk}" for pk in user_ids] + [f"r{pk}" for pk in registrations.values_list("pk", flat=True)]
    spoken = Q(author__in=user_ids) | Q(viewer__in=viewers)
    _unname(spoken)
    nobody = f"x{secrets.token_hex(8)}"
    QuestionVote.objects.filter(viewer__in=viewers).update(viewer=nobody)
    Ballot.objects.filter(viewer__in=viewers).update(viewer=nobody)
    MessageReaction.objects.filter(viewer__in=viewers).update(viewer=nobody)
    Hand.objects.filter(Q(user__in=user_ids) | Q(viewer__in=viewers)).delete()
    Restraint.objects.filter(viewer__in=viewers).delete()
    _forget_minutes(viewers)
    registrations.delete()
    if address:
        Reminder.objects.filter(address__iexact=address).delete()


def name_of_nobody() -> str:
    """The name that takes the place of theirs, in the language of the platform."""
    with translation.override(settings.LANGUAGE_CODE):
        return _("Deleted account")


def _unname(spoken: Q) -> None:
    messages, questions = Message.objects.filter(spoken), Question.objects.filter(spoken)
    said: dict[int, set[uuid.UUID]] = {}
    for rows in (messages, questions):
        for event_id, pk in rows.values_list("event", "pk"):
            said.setdefault(event_id, set()).add(pk)
    name = name_of_nobody()
    messages.update(author=None, author_name=name, viewer="", network="")
    questions.update(author=None, author_name=name, viewer=f"x{secrets.token_hex(8)}")
    for event_id in sorted(said):
        _unname_stream(event_id, said[event_id], name)


def _unname_stream(event_id: int, ids: Collection[uuid.UUID], name: str) -> None:
    """Do the same to the event stream, from which pages that were offline catch up for a day."""
    answers = Message.objects.filter(reply_to__in=ids).values_list("pk", flat=True)
    lock_stream(event_id)
    rows = list(StreamMessage.objects.filter(channel_id=event_id, about__in=[*ids, *answers]))
    for row in rows:
        row.data = _renamed(row.data, {str(one) for one in ids}, name)
    StreamMessage.objects.bulk_update(rows, ["data"], batch_size=200)


def _renamed(data: str, ids: Collection[str], name: str) -> str:
    said: dict[str, Any] = json.loads(data)
    message = said.get("message") or said
    for one in (message, message.get("reply")):
        if one and one.get("id") in ids and one.get("author"):
            one["author"] = name
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _forget_minutes(viewers: Collection[str]) -> None:
    """Remove the minutes that they listened; how many listened stays known."""
    theirs = Q(viewer__in=viewers)
    hidden = Event.objects.filter(airings__presences__viewer__startswith=attendance.PSEUDONYM).distinct()
    for event in hidden:
        theirs |= Q(airing__event=event, viewer__in=attendance.pseudonyms(event, viewers))
    for pk, airing_id in Presence.objects.filter(theirs).order_by("airing").values_list("pk", "airing"):
        if Presence.objects.filter(pk=pk).delete()[0]:
            Airing.objects.filter(pk=airing_id).update(forgotten=F("forgotten") + 1)
