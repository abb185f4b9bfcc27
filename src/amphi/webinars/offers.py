"""What a moderator may press now: a page shows no button that would then be refused."""

from dataclasses import dataclass

from django.conf import settings

from amphi.meetings.models import Meeting
from amphi.webinars import domain
from amphi.webinars.models import Livestream, Removal, State


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The actions that make sense for a meeting as it is.

    Attributes:
        start: nothing runs, and it can be started.
        join: it runs, and can be entered.
        stop: there is a live to stop.
        restart: the live can be restarted, or started again while the meeting goes on.
        end: meeting and live can be ended together.
        chat: the listeners' chat can be shown or hidden.
        delete: it is not being deleted already.
    """

    start: bool
    join: bool
    stop: bool = False
    restart: bool = False
    end: bool = False
    chat: bool = False
    delete: bool = True

    @property
    def acts_on_live(self) -> bool:
        """Whether there is anything to do about the live itself."""
        return self.stop or self.restart or self.end or self.chat


def livestream_of(meeting: Meeting) -> Livestream | None:
    """The livestream that was loaded with `meeting`, when webinars are in use and it has one."""
    return getattr(meeting, "livestream", None) if settings.USE_MEETING_WEBINAR else None


def offer(meeting: Meeting) -> Offer:
    """What may be pressed for `meeting`, by those who moderate it."""
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
        chat="enable_chat" in settings.MEETING_WEBINAR_FIELDS,
    )
