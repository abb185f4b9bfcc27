"""What of the meeting is in the picture. Presenters choose it before the live or during it; the worker has the gateway follow."""

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings.models import Meeting
from amphi.webinars import planning
from amphi.webinars.exceptions import TransitionRefusedError
from amphi.webinars.models import RUNNING, Layout, LiveGateway, Livestream, State

log = logging.getLogger("webinar")


def is_chosen_here(livestream: Livestream) -> bool:
    """Whether the gateway is of the kind with which presenters choose the picture. SIPMediaGW shows what it shows."""
    return bool(livestream.gateway.dialect == LiveGateway.Dialect.AMPHI)


def is_followed(livestream: Livestream) -> bool:
    """Whether a choice is followed. A gateway of before, or one that does not know the meeting's client, tells on the air that it is not."""
    return is_chosen_here(livestream) and not (livestream.state == State.LIVE and not livestream.layout_shown)


def films_chat(*, is_open: bool, chosen: bool | None, has_hook: bool | None) -> bool:
    """Whether the meeting's chat is in the picture: as presenters chose, else only where its messages can't reach the listeners as text."""
    return is_open and (has_hook is False if chosen is None else chosen)


def set_layout(meeting: Meeting, layout: Layout, *, user: User) -> None:
    """Have slides, cameras or both in the picture of `meeting`'s live, now or from its start on.

    Raises:
        TransitionRefusedError: the meeting is not a webinar, or not any more.
    """
    _change(meeting, {"layout": layout}, user)


def film_chat(meeting: Meeting, *, filmed: bool | None, user: User) -> None:
    """Have the meeting's chat in the picture or not; None: only where its messages can't reach the listeners as text.

    Raises:
        TransitionRefusedError: the meeting is not a webinar, or not any more.
    """
    _change(meeting, {"chat_filmed": filmed}, user)


@transaction.atomic
def _change(meeting: Meeting, columns: dict[str, object], user: User) -> None:
    row = planning.lock_meeting(meeting)
    livestream = planning.lock_livestream(row) if row is not None else None
    if livestream is None:
        raise TransitionRefusedError(_("This meeting is not a webinar."))
    Livestream.objects.filter(pk=livestream.pk).update(**columns)
    Livestream.objects.filter(pk=livestream.pk, state__in=RUNNING).update(look_at=timezone.now())
    log.info("set_picture for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, columns, user.pk)
