"""Sends replays to Esup-Pod as videos of their event's owner: one at a time, again after failures, never two of one replay.

Before anything is sent, the owner's videos there are searched for the address of the replay's page, which stands in the description: an
attempt whose answer was lost may have made the video. Captions would follow here as tracks of the video.
"""

import logging
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from amphi.audience.models import PodTransfer, Replay
from amphi.audience.replays import away, editing, library
from amphi.bucket.exceptions import BucketError
from amphi.pod.client import Draft, Owner, Pod, Video
from amphi.pod.exceptions import PodError
from amphi.system import leases
from amphi.system.leases import Lease
from amphi.worker import uploads

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=60)
"""Renewed while the work lasts."""
FILE_PAUSE = timedelta(seconds=15)
"""While the file is being made."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
ATTEMPTS = 12
"""Some two days."""


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` transfers that are due."""
    if not settings.POD_URL:
        return []
    due = PodTransfer.objects.filter(attempt_at__lte=timezone.now()).order_by("attempt_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def send(lease: Lease) -> None:
    """Go on with one transfer."""
    transfer: PodTransfer | None = lease.held().select_related("replay__airing__event__owner").first()
    if transfer is None:
        return
    replay = transfer.replay
    file = library.files_of(replay.airing.event_id) / replay.file_name
    if replay.file_state == Replay.FileState.FAILED:
        _fail(lease, transfer, "no_file")
        return
    if replay.file_state == Replay.FileState.READY and not _is_here(replay, file):
        lease.release(attempt_at=timezone.now() + FIRST_PAUSE)
        return
    if replay.file_state != Replay.FileState.READY:
        editing.ask_for_file(replay)
        lease.release(attempt_at=timezone.now() + FILE_PAUSE)
        return
    pod = Pod(settings.POD_URL, settings.POD_TOKEN, type_id=settings.POD_TYPE, site_id=settings.POD_SITE)
    try:
        video = _published(pod, replay, file)
    except PodError as error:
        log.warning("replay %s was not sent to Esup-Pod: %s: %s", replay.pk, type(error).__name__, error)
        _again(lease, transfer, error)
    except OSError as error:
        log.warning("replay %s was not sent to Esup-Pod: its file: %s", replay.pk, type(error).__name__)
        lease.release(attempt_at=timezone.now() + FIRST_PAUSE)
    else:
        log.info("replay %s is a video of Esup-Pod: %s", replay.pk, video.slug)
        done = {"state": PodTransfer.State.DONE, "page_url": pod.page_of(video)}
        lease.release(**done, reason="", attempt_at=None)
    finally:
        pod.close()


def _is_here(replay: Replay, file: Path) -> bool:
    """Whether a replay's file is in the folder, where it is fetched to if need be."""
    try:
        uploads.fetch(replay.airing.event_id, [away.file_item(replay.file_name)])
    except (BucketError, OSError) as error:
        log.warning("replay %s: its file can't be fetched: %s: %s", replay.pk, type(error).__name__, error)
    return file.is_file()


def _published(pod: Pod, replay: Replay, file: Path) -> Video:
    """The video of a replay, made unless it is there, and being encoded."""
    owner = pod.owner(replay.airing.event.owner.username)
    address = settings.AMPHI_URL + reverse("live:replay", args=[replay.airing.event.slug, replay.pk])
    video = pod.find(owner, address) or _upload(pod, owner, replay, file, address)
    if video.needs_encoding:
        pod.encode(video)
    return video


def _upload(pod: Pod, owner: Owner, replay: Replay, file: Path, address: str) -> Video:
    event, day = replay.airing.event, timezone.localdate(replay.airing.began_at)
    with translation.override(settings.LANGUAGE_CODE):
        mark = _("Replay of the webinar: %(address)s") % {"address": address}
    description = f"{event.description}\n\n{mark}".strip()
    language = settings.LANGUAGE_CODE[:2]
    return pod.upload(owner, Draft(event.title, description, day.isoformat(), language), file)


def _again(lease: Lease, transfer: PodTransfer, error: PodError) -> None:
    attempts = transfer.attempts + 1
    if error.permanent or attempts >= ATTEMPTS:
        _fail(lease, transfer, error.code)
        return
    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
    lease.release(attempts=attempts, reason=error.code, attempt_at=timezone.now() + pause)


def _fail(lease: Lease, transfer: PodTransfer, reason: str) -> None:
    log.error("replay %s is not sent to Esup-Pod: %s", transfer.replay_id, reason)
    lease.release(state=PodTransfer.State.FAILED, reason=reason, attempt_at=None)
