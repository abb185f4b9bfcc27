"""What the desk of those who present or moderate shows besides the voices: how the live is, how it is received, and what can be done."""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.audience.models import ON_AIR, Event, EventState
from amphi.audience.queries import listener_state, viewers
from amphi.audience.reception import Received, received_now
from amphi.meetings.rights import can_moderate
from amphi.pages.webinars import wording
from amphi.pages.webinars.panel_notes import desk_notes
from amphi.pages.webinars.picture_choice import picture_choice
from amphi.webinars.models import Livestream, State
from amphi.webinars.offers import Offer, offer

WAITS_OFTEN = 0.05
"""More than this part of the time without a moving picture, over all listeners, is worth a look."""
PLAIN_SENTENCES = {
    EventState.WAITING: gettext_lazy("Listeners see the waiting page."),
    EventState.STARTING: gettext_lazy("The picture will appear in a few seconds."),
    EventState.LIVE: gettext_lazy("Listeners see and hear the live."),
    EventState.RECOVERING: gettext_lazy("The broadcast was interrupted. It will resume automatically."),
    EventState.OVER: gettext_lazy("The live is over. Listeners see that it has ended."),
}


def state_context(request: HttpRequest, event: Event, now: datetime) -> dict[str, object]:
    """The facts of the desk's first lines. Actions are for those who moderate the meeting; others see how the live is."""
    state = listener_state(event, now)
    livestream = _livestream_of(event)
    acts = livestream is not None and can_moderate(request.user, livestream.meeting)
    return {
        "state": state,
        "on_air": state in ON_AIR,
        "listeners": viewers(event.pk),
        **_said(livestream, state),
        **_reception(received_now(event.pk, now) if state in ON_AIR else None, acts=acts),
        "notes": desk_notes(livestream.meeting, livestream) if livestream else [],
        "meeting": livestream.meeting if livestream and acts else None,
        "offer": offer(livestream.meeting) if livestream and acts else Offer(start=False, join=False),
        "picture": picture_choice(livestream) if livestream and acts else None,
        "acts": acts,
    }


def _livestream_of(event: Event) -> Livestream | None:
    if not settings.USE_MEETING_WEBINAR:
        return None
    return Livestream.objects.select_related("meeting", "gateway").filter(event=event).first()


def _said(livestream: Livestream | None, state: EventState) -> dict[str, str]:
    if livestream is None:
        return {
            "look": "",
            "label": "",
            "sentence": str(PLAIN_SENTENCES[state]),
            "error": "",
        }
    backstage = wording.is_backstage(livestream)
    return {
        "look": str(State.STARTING if backstage else livestream.state),
        "label": wording.label(livestream),
        "sentence": wording.sentence(livestream),
        "error": wording.last_error(livestream),
    }


def _reception(received: Received | None, *, acts: bool) -> dict[str, str]:
    """How it is received, in words; empty before the first report, which a player sends after half a minute."""
    if received is None or received.stalled is None:
        return {"received": "", "received_badly": ""}
    part = _number(100 * received.stalled)
    if received.delay_p50_s is None or received.delay_p95_s is None:
        said = _("Listeners wait for the picture %(part)s %% of the time.") % {"part": part}
    else:
        said = _(
            "Listeners see it %(delay)s s late (95 %% of them: less than %(most)s s); %(part)s %% of the time spent waiting."
        ) % {
            "delay": _number(received.delay_p50_s),
            "most": _number(received.delay_p95_s),
            "part": part,
        }
    badly = ""
    if received.stalled > WAITS_OFTEN:
        badly = (
            _(
                "Many listeners wait for the picture. If it goes on, restart the broadcast, then tell an administrator."
            )
            if acts
            else _("Many listeners wait for the picture. If it goes on, tell a presenter.")
        )
    return {"received": said, "received_badly": badly}


def _number(value: float) -> str:
    return number_format(round(value, 1), decimal_pos=1)
