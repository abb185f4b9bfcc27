"""Recordings that BBB reports as ready. The worker looks each up there before it is shown (`amphi.worker.recordings`)."""

import logging

from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars.models import Recording

log = logging.getLogger("webinar")

MOST_FOR_MEETING = 200


def note_recording_ready(meeting: Meeting, record_id: str) -> None:
    """Have the worker look up a recording now, because BBB reports that it is ready. The report may come twice."""
    if not 0 < len(record_id) <= 256:  # noqa: PLR2004 -- the column's length
        return
    now = timezone.now()
    known = Recording.objects.filter(meeting=meeting, record_id=record_id)
    if known.update(look_at=now, attempts=0) or meeting.recordings.count() >= MOST_FOR_MEETING:
        return
    log.info("recording ready for meeting %s “%s”", meeting.pk, meeting.name)
    Recording.objects.get_or_create(meeting=meeting, record_id=record_id, defaults={"look_at": now})
