"""The panel of a running webinar: the data that its page shows at first, and asks for every two seconds."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from amphi.audience.queries import viewers
from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording
from amphi.pages.webinars.panel_notes import notes
from amphi.webinars.models import Livestream, State
from amphi.webinars.offers import offer
from amphi.webinars.participation import participants

HISTORY_SHOWN = 30

_OFF, _WAIT, _OK, _BAD = "off", "wait", "ok", "bad"

_GATEWAY: Mapping[str, tuple[str, Promise]] = {
    State.IDLE: (_OFF, gettext_lazy("Ready")),
    State.STARTING: (_WAIT, gettext_lazy("Entering the meeting")),
    State.LIVE: (_OK, gettext_lazy("Broadcasting")),
    State.RECOVERING: (_WAIT, gettext_lazy("Recovering")),
    State.STOPPING: (_WAIT, gettext_lazy("Leaving")),
    State.STOPPED: (_OFF, gettext_lazy("Ready")),
    State.FAILED: (_BAD, gettext_lazy("Problem")),
}
_STREAM: Mapping[str, tuple[str, Promise]] = {
    State.IDLE: (_OFF, gettext_lazy("None yet")),
    State.STARTING: (_WAIT, gettext_lazy("Waiting")),
    State.LIVE: (_OK, gettext_lazy("Received")),
    State.RECOVERING: (_WAIT, gettext_lazy("Interrupted")),
    State.STOPPING: (_WAIT, gettext_lazy("Ending")),
    State.STOPPED: (_OFF, gettext_lazy("Ended")),
    State.FAILED: (_BAD, gettext_lazy("No signal")),
}


def _meeting_station(meeting: Meeting, livestream: Livestream) -> tuple[str, str]:
    if meeting.is_open:
        people = participants(livestream)
        if people is None:
            return _OK, _("Running")
        return _OK, ngettext("Running, %(count)s participant", "Running, %(count)s participants", people) % {
            "count": people
        }
    return _OFF, pgettext("meeting", "Ended") if meeting.ended_at else pgettext("meeting", "Not started")


def _stations(meeting: Meeting, livestream: Livestream) -> list[dict[str, str]]:
    count = viewers(livestream.event_id)
    listening = _OK if livestream.state == State.LIVE and count else _OFF
    rows = [
        ("meeting", _("Meeting"), "people", *_meeting_station(meeting, livestream)),
        ("gateway", _("Broadcast"), "camera-video", *_GATEWAY[livestream.state]),
        ("stream", _("Picture and sound"), "broadcast", *_STREAM[livestream.state]),
        (
            "listeners",
            _("Listeners"),
            "headphones",
            listening,
            ngettext("%(count)s connected", "%(count)s connected", count) % {"count": count},
        ),
    ]
    return [
        {"key": key, "label": label, "icon": icon, "status": status, "text": str(text)}
        for key, label, icon, status, text in rows
    ]


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    time = local.strftime("%H:%M:%S")
    return (
        time if local.date() == timezone.localdate() else f"{date_format(local, 'SHORT_DATE_FORMAT')} {time}"
    )


def _history(livestream: Livestream) -> list[dict[str, Any]]:
    rows = livestream.transitions.select_related("actor").order_by("-pk")[:HISTORY_SHOWN]
    return [
        {
            "id": row.pk,
            "at": _moment(row.at),
            "text": wording.transition(row),
            "who": str(row.actor) if row.actor else "",
            "reason": wording.reason(row),
            "state": row.new,
        }
        for row in rows
    ]


def _since(livestream: Livestream) -> str:
    at = timezone.localtime(livestream.state_since)
    if at.date() == timezone.localdate():
        return _("since %(time)s") % {"time": date_format(at, "TIME_FORMAT")}
    return _("since %(day)s, %(time)s") % {
        "day": date_format(at, "SHORT_DATE_FORMAT"),
        "time": date_format(at, "TIME_FORMAT"),
    }


def panel(meeting: Meeting, livestream: Livestream) -> dict[str, Any]:
    """All data of the panel that changes while the webinar runs, in the reader's language."""
    return {
        "state": str(livestream.state),
        # Red is for what listeners see.
        "look": str(State.STARTING if wording.is_backstage(livestream) else livestream.state),
        "state_label": wording.label(livestream),
        "since": _since(livestream) if livestream.state != State.IDLE else "",
        "sentence": wording.sentence(livestream),
        "error": wording.last_error(livestream),
        "chat": meeting.enable_chat,
        "offer": asdict(offer(meeting)),
        "stations": _stations(meeting, livestream),
        "notes": [asdict(note) for note in notes(meeting, livestream)],
        "history": _history(livestream),
    }
