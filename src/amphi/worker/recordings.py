"""Recordings, looked up in BigBlueButton: what it told names one, what ``getRecordings`` answers is the truth.

It is asked again every day, since a recording may be processed once more, or deleted.
"""

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from amphi.bigbluebutton import BigBlueButtonError
from amphi.bigbluebutton import Recording as AnsweredRecording
from amphi.meetings.server import meeting_server
from amphi.webinars.models import Recording

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=60)
"""A look-up is one call of 5 s; another worker looks again after a lease."""
RECHECK_EVERY = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=15)
ATTEMPTS = 10
"""After which a recording that BBB does not know is forgotten: about four hours."""
_HIDDEN_FORMATS = frozenset({"statistics"})
"""What BBB makes of a recording that shows how each person took part."""


def claim_due(*, limit: int) -> list[int]:
    """Claim up to `limit` recordings that are to be looked up now, each by one worker."""
    now = timezone.now()
    due = Recording.objects.filter(check_at__lte=now)
    found = due.order_by("check_at").values_list("pk", "check_at")[:limit]
    return [pk for pk, check_at in found if due.filter(pk=pk, check_at=check_at).update(check_at=now + LEASE)]


def look_up(pk: int) -> None:
    """Ask BBB for one recording, and keep what it answers."""
    recording = Recording.objects.select_related("meeting").filter(pk=pk).first()
    if recording is None:
        return
    meeting = recording.meeting
    try:
        answered = meeting_server().recordings(record_id=recording.record_id)
    except BigBlueButtonError as error:
        log.warning("getRecordings for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        _later(recording)
        return
    found = next((one for one in answered if _is_meant(one, recording)), None)
    if found is None and (recording.formats or recording.attempts + 1 >= ATTEMPTS):
        log.info("getRecordings for meeting %s “%s”: a recording is gone", meeting.pk, meeting.name)
        recording.delete()
    elif found is None or not (formats := _formats(found)):
        Recording.objects.filter(pk=recording.pk).update(formats=[])
        _later(recording)
    else:
        log.info("getRecordings for meeting %s “%s”: ok", meeting.pk, meeting.name)
        started_at = datetime.fromtimestamp(found.start_time_ms / 1000, UTC) if found.start_time_ms else None
        Recording.objects.filter(pk=recording.pk).update(
            formats=formats, started_at=started_at, attempts=0, check_at=timezone.now() + RECHECK_EVERY
        )


def _is_meant(answered: AnsweredRecording, recording: Recording) -> bool:
    return answered.record_id == recording.record_id and answered.meeting_id == recording.meeting.bbb_id


def _formats(answered: AnsweredRecording) -> list[dict[str, object]]:
    """How it can be watched now; an address that is none of the web is left out."""
    if not answered.published:
        return []
    return [
        {"kind": one.kind, "url": one.url, "minutes": one.length_minutes}
        for one in answered.formats
        if urlsplit(one.url).scheme in {"https", "http"} and one.kind not in _HIDDEN_FORMATS
    ]


def _later(recording: Recording) -> None:
    """Ask again after a pause that grows up to a day."""
    attempts = min(recording.attempts + 1, ATTEMPTS)
    pause = FIRST_PAUSE * 2 ** (attempts - 1) if attempts < ATTEMPTS else RECHECK_EVERY
    Recording.objects.filter(pk=recording.pk).update(attempts=attempts, check_at=timezone.now() + pause)
