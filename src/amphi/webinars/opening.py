"""Opening and closing the discussion of an event, from where only the event is known."""

from django.conf import settings
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.models import Event
from amphi.webinars import domain
from amphi.webinars.exceptions import TransitionRefusedError
from amphi.webinars.models import Livestream


def open_chat(event: Event, *, is_open: bool, user: User) -> None:
    """Have the discussion of `event` open, or closed.

    Raises:
        TransitionRefusedError: this platform leaves no choice, or it is not a webinar's event.
    """
    if event.enable_chat == is_open:
        return
    livestream = Livestream.objects.select_related("meeting").filter(event=event).first()
    if livestream is None or "enable_chat" not in settings.MEETING_WEBINAR_FIELDS:
        raise TransitionRefusedError(_("The discussion of this event can’t be opened or closed."))
    domain.set_chat(livestream.meeting, enabled=is_open, user=user)
    event.enable_chat = is_open
