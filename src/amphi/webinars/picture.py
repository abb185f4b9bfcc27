"""What of the meeting is in the picture. Presenters choose it before the live or during it; the worker has the gateway follow."""

import logging
from typing import TypedDict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings.models import Meeting
from amphi.webinars import planning
from amphi.webinars.exceptions import TransitionRefusedError
from amphi.webinars.models import RUNNING, Layout, LiveGateway, Livestream, State

log = logging.getLogger("webinar")


class Choice(TypedDict, total=False):
    """What presenters choose; the rest stays.

    Attributes:
        layout: slides, cameras or both.
        chat_filmed: whether the meeting's chat is in the picture; None: only where its messages can't reach the listeners as text.
    """

    layout: Layout
    chat_filmed: bool | None


def is_chosen_here(livestream: Livestream) -> bool:
    """Whether the gateway is of the kind with which presenters choose the picture. SIPMediaGW shows what it shows."""
    return bool(livestream.gateway.dialect == LiveGateway.Dialect.AMPHI)


def is_followed(livestream: Livestream) -> bool:
    """Whether a choice is followed. A gateway of before, or one that does not know the meeting's client, tells on the air that it is not."""
    return is_chosen_here(livestream) and not (livestream.state == State.LIVE and not livestream.layout_shown)


def films_chat(*, is_open: bool, chosen: bool | None, has_hook: bool | None) -> bool:
    """Whether the meeting's chat is in the picture: as presenters chose, else only where its messages can't reach the listeners as text."""
    return is_open and (has_hook is False if chosen is None else chosen)


def choose(meeting: Meeting, chosen: Choice, *, user: User) -> None:
    """Have this in the picture of `meeting`'s live, now or from its start on.

    Raises:
        TransitionRefusedError: the meeting is not a webinar, or not any more.
    """
    with transaction.atomic():
        row = planning.lock_meeting(meeting)
        livestream = planning.lock_livestream(row) if row is not None else None
        if livestream is None:
            raise TransitionRefusedError(_("This meeting is not a webinar."))
        look = {"look_at": timezone.now()} if livestream.state in RUNNING else {}
        Livestream.objects.filter(pk=livestream.pk).update(**chosen, **look)
    log.info("set_picture for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, chosen, user.pk)
