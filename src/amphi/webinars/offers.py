"""The actions that make sense now, so that pages show no button that would be refused."""

from dataclasses import dataclass

from django.conf import settings

from amphi.meetings.models import Meeting
from amphi.webinars import domain
from amphi.webinars.models import Livestream, Removal, State


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The actions that make sense for a meeting as it is.

    Attributes:
        start: start the meeting.
        join: enter the running meeting.
        stop: stop the live.
        restart: restart the live, or start it again while the meeting goes on.
        end: end meeting and live.
        open: go live from backstage.
        chat: show or hide the listeners' chat.
        delete: delete the meeting; False while it is being deleted.
    """

    start: bool
    join: bool
    stop: bool = False
    restart: bool = False
    end: bool = False
    open: bool = False
    chat: bool = False
    delete: bool = True

    @property
    def acts_on_live(self) -> bool:
        """Whether any action concerns the live itself."""
        return self.stop or self.restart or self.end or self.chat


def livestream_of(meeting: Meeting) -> Livestream | None:
    """The livestream loaded with `meeting`; None when it has none or webinars are switched off."""
    return getattr(meeting, "livestream", None) if settings.USE_MEETING_WEBINAR else None


def offer(meeting: Meeting) -> Offer:
    """The actions for the moderators of `meeting`."""
    livestream = livestream_of(meeting)
    on = meeting.is_open
    if livestream is None:
        return Offer(start=not on, join=on)
    if livestream.removal == Removal.DELETE:
        return Offer(start=False, join=False, delete=False)
    ending = livestream.state == State.STOPPING and livestream.ends_meeting
    startable = domain.can_start(livestream)
    return Offer(
        start=not on and startable,
        join=on and not ending,
        stop=domain.can_stop(livestream),
        restart=domain.can_restart(livestream) or (on and startable),
        end=domain.can_end(livestream) and not ending,
        open=domain.can_open(livestream),
        chat="enable_chat" in settings.MEETING_WEBINAR_FIELDS,
    )
