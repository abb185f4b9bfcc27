"""Whether somebody's message is taken, and whether it is shown at once: the rules of a discussion."""

import re
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.audience.chat_history import WINDOW, Lately
from amphi.audience.exceptions import (
    ChatClosedError,
    EmptyMessageError,
    MessageTooLongError,
    MutedError,
    QuestionsOnlyError,
    SlowDownError,
    TooManyMessagesError,
)
from amphi.audience.models import ChatMode, Event, Message, Role, ToMeeting, Visibility
from amphi.audience.speakers import Speaker
from amphi.system.typed import clean_text, folded

LONGEST_RAW = 20
"""So many times the longest message is looked at before it is cleaned; more is refused as it came."""


def text_of(raw: str) -> str:
    """What is said in `raw`.

    Raises:
        ChatError: nothing, or too much.
    """
    limit = settings.CHAT_MESSAGE_MAX_LENGTH
    text = clean_text(raw) if len(raw) <= LONGEST_RAW * limit else ""
    if len(text) > limit or len(raw) > LONGEST_RAW * limit:
        raise MessageTooLongError(
            ngettext(
                "The message was not sent: it has more than %(limit)d character.",
                "The message was not sent: it has more than %(limit)d characters.",
                limit,
            )
            % {"limit": limit}
        )
    if not text:
        raise EmptyMessageError(_("Write a message first."))
    return text


def check_may_write(event: Event, speaker: Speaker) -> None:
    """Whether somebody has the word.

    Raises:
        ChatError: they have not, and why.
    """
    if not event.enable_chat:
        raise ChatClosedError(_("The message was not sent: the chat is closed."))
    if speaker.keeps_order:
        return
    if event.chat_mode == ChatMode.QUESTIONS:
        raise QuestionsOnlyError(_("The message was not sent: ask it as a question, in the other tab."))


def check_not_muted(speaker: Speaker, lately: Lately) -> None:
    """Whether a moderator lets somebody write.

    Raises:
        ChatError: they are muted, or excluded.
    """
    if lately.is_restrained and not speaker.keeps_order:
        raise MutedError(_("The message was not sent: a moderator has stopped you from writing."))


def check_pace(event: Event, speaker: Speaker, lately: Lately, now: datetime) -> None:
    """Whether somebody wrote too much lately; asked under a lock of theirs.

    Raises:
        ChatError: they did.
    """
    # A hall behind one address is many guests; more than that is one who takes many names.
    is_crowded = lately.written_there >= settings.CHAT_RATE_PER_ADDRESS
    if lately.written >= settings.CHAT_RATE_PER_MINUTE or is_crowded:
        raise TooManyMessagesError(_("The message was not sent: you write too fast. Wait a little."))
    if event.chat_mode != ChatMode.SLOW or speaker.keeps_order:
        return
    mine = Message.objects.filter(viewer=speaker.viewer, event=event, created_at__lt=now + WINDOW)
    last = mine.order_by("-created_at").first()
    wait_s = 0 if last is None else event.slow_s - int((now - last.created_at).total_seconds())
    if wait_s > 0:
        raise SlowDownError(
            ngettext(
                "The message was not sent: you can write again in %(count)d second.",
                "The message was not sent: you can write again in %(count)d seconds.",
                wait_s,
            )
            % {"count": wait_s}
        )


def visibility_of(event: Event, speaker: Speaker, text: str) -> Visibility:
    """Whether a message is shown at once, or once a moderator has approved it."""
    if speaker.keeps_order:
        return Visibility.SHOWN
    if event.chat_mode == ChatMode.APPROVED or holds_a_word(text, event.held_words):
        return Visibility.WAITING
    return Visibility.SHOWN


def holds_a_word(text: str, words: str) -> bool:
    """Whether `text` has one of `words` (one a line) in it, as whole words, whatever their case and accents."""
    if not words:
        return False
    said = f" {_spaced(text)} "
    return any(f" {_spaced(word)} " in said for word in words.splitlines())


def _spaced(text: str) -> str:
    return " ".join(re.findall(r"\w+", folded(text)))


def delivery_of(event: Event, role: str, *, is_chosen: bool) -> Message.Delivery:
    """Whether a message that is shown goes into the meeting.

    Args:
        event: where it is shown; one that others carry has no meeting of ours.
        role: its author's: what those who keep order write goes where listeners' messages go.
        is_chosen: whether a moderator approved it, or chose it for the meeting.
    """
    if not event.state:
        return Message.Delivery.NONE
    chosen = is_chosen or role in {Role.PRESENTER, Role.MODERATOR}
    sent = event.to_meeting == ToMeeting.ALL or (event.to_meeting == ToMeeting.APPROVED and chosen)
    return Message.Delivery.WAITING if sent else Message.Delivery.NONE
