"""Recordings as pages show them."""

from dataclasses import dataclass
from datetime import datetime

from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRecording:
    """A recording for a page; each of `formats` has a ``label`` and a ``url``."""

    started_at: datetime | None
    minutes: int
    formats: list[dict[str, str]]


def shown(meeting: Meeting) -> list[ShownRecording]:
    """The recordings of `meeting` that can be watched by BBB's last answer, the latest first."""
    return [
        ShownRecording(
            started_at=one.started_at,
            minutes=max(int(made["minutes"]) for made in one.formats),
            formats=[
                {"label": str(wording.RECORDING_FORMATS.get(made["kind"], made["kind"])), "url": made["url"]}
                for made in one.formats
            ],
        )
        for one in meeting.recordings.all()
        if one.formats
    ]
