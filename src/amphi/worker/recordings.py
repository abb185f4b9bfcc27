"""Looks up recordings in BigBlueButton. Its callbacks only name one; ``getRecordings`` says whether and how it can be watched.

Each is looked up again every day, since a recording may be processed again or deleted.
"""

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from amphi.bigbluebutton import BigBlueButtonError
from amphi.bigbluebutton import Recording as AnsweredRecording
from amphi.meetings.server import meeting_server
from amphi.system import leases
from amphi.system.leases import Lease
from amphi.webinars.models import Recording

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=60)
"""Longer than a look-up, which is one call of 5 s at most."""
LOOK_UP_EVERY = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=15)
ATTEMPTS = 10
"""A recording that BBB still does not know at this attempt is deleted: about two hours after the first."""
_HIDDEN_FORMATS = frozenset({"statistics"})
"""Not shown: it says how each person took part."""


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` recordings that are due and that no worker holds."""
    due = Recording.objects.filter(look_at__lte=timezone.now()).order_by("look_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def look_up(lease: Lease) -> None:
    """Ask BBB for one recording, and save its answer."""
    recording: Recording | None = lease.held().select_related("meeting").first()
    if recording is None:
        return
    meeting = recording.meeting
    try:
        answered = meeting_server().recordings(record_id=recording.record_id)
    except BigBlueButtonError as error:
        log.warning("getRecordings for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        _later(lease, recording)
        return
    found = next((one for one in answered if _is_meant(one, recording)), None)
    if found is None and (recording.formats or recording.attempts + 1 >= ATTEMPTS):
        log.info("getRecordings for meeting %s “%s”: a recording is gone", meeting.pk, meeting.name)
        lease.held().delete()
    elif found is None or not (formats := _formats(found)):
        _later(lease, recording, formats=[])
    else:
        log.info("getRecordings for meeting %s “%s”: ok", meeting.pk, meeting.name)
        started_at = datetime.fromtimestamp(found.start_time_ms / 1000, UTC) if found.start_time_ms else None
        _release(lease, recording, LOOK_UP_EVERY, formats=formats, started_at=started_at, attempts=0)


def _release(lease: Lease, recording: Recording, pause: timedelta, **columns: object) -> None:
    """Release the recording. If BBB reported it again meanwhile, it is looked up at once."""
    next_at = leases.unless_asked_anew("look_at", recording.look_at, timezone.now() + pause)
    lease.release(look_at=next_at, **columns)


def _is_meant(answered: AnsweredRecording, recording: Recording) -> bool:
    return answered.record_id == recording.record_id and answered.meeting_id == recording.meeting.bbb_id


def _formats(answered: AnsweredRecording) -> list[dict[str, object]]:
    """How it can be watched now. Addresses that are not http(s) are left out."""
    if not answered.published:
        return []
    return [
        {"kind": one.kind, "url": one.url, "minutes": one.length_minutes}
        for one in answered.formats
        if urlsplit(one.url).scheme in {"https", "http"} and one.kind not in _HIDDEN_FORMATS
    ]


def _later(lease: Lease, recording: Recording, **columns: object) -> None:
    """Look it up again after a pause, which doubles each time and is a day in the end."""
    attempts = min(recording.attempts + 1, ATTEMPTS)
    pause = FIRST_PAUSE * 2 ** (attempts - 1) if attempts < ATTEMPTS else LOOK_UP_EVERY
    _release(lease, recording, pause, attempts=attempts, **columns)
