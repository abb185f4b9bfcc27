"""A listener who was invited goes into the meeting, and comes back to the live page."""

from django.conf import settings
from django.utils.translation import gettext as _

from amphi.audience import hands
from amphi.audience.exceptions import VoiceClosedError
from amphi.audience.models import Event
from amphi.audience.speakers import Speaker
from amphi.meetings import join
from amphi.webinars.models import Livestream


def stage_url(event: Event, *, by: Speaker) -> str:
    """The address by which the invited listener enters the meeting, under their name; it is theirs alone, and goes nowhere but to them.

    Raises:
        VoiceClosedError: they are not invited, or not any more, or the meeting does not run.
        MeetingServerError: the meeting server does not answer.
    """
    livestream = Livestream.objects.select_related("meeting").filter(event=event).first()
    hand = hands.of_viewer(event.pk, by.viewer)
    if livestream is None or hand is None:
        raise VoiceClosedError(_("You are not invited on stage at the moment."))
    url = join.stage_url(
        livestream.meeting,
        name=hand.name,
        user_id=hands.meeting_user_id(hand),
        is_guest=hand.user_id is None,
        back_url=settings.AMPHI_URL + event.get_absolute_url(),
    )
    if url is None:
        raise VoiceClosedError(_("The meeting is not running at the moment."))
    # Last: only now is it sure that there is a way in, and only if the invitation still stands.
    hands.take_stage(event, viewer=by.viewer)
    return url
