"""What is made of replays, one at a time: the file to download, and small pictures for the time line. Nothing is encoded for the file.

It also deletes: replays whose time has passed, recordings that belong to none, and the oldest replays when recordings take more of the
disk than they may. Nothing is deleted that is on the air, or was played lately.
"""

import logging
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from amphi.audience.models import Replay
from amphi.audience.replays import away, editing, library, sheets, timeline
from amphi.audience.replays.library import Reel
from amphi.bucket.exceptions import BucketError
from amphi.system import leases, recordings
from amphi.system.leases import Lease
from amphi.worker import uploads
from amphi.worker.movies import movie
from amphi.worker.movies.exceptions import MovieError

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Renewed while the work lasts."""
SETTLES = timedelta(seconds=30)
"""After the end of a live, before something is made of it: the last of it is written by then."""
PATIENCE_S = 3600
SURPLUS_KEPT = timedelta(days=2)
"""How long recordings are kept that belong to no replay, such as one that was never shown to listeners."""
JUST_PLAYED = timedelta(hours=12)
"""As long as a ticket is good: who began to play a replay then may still do so."""
EVERY_S = 600.0
GIB = 2**30


# --- what is made


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` replays of which something is to be made."""
    if settings.RECORDINGS is None:
        return []
    is_due = Q(file_state=Replay.FileState.WANTED) | Q(sheets=None)
    ended = Replay.objects.filter(is_due, airing__ended_at__lt=timezone.now() - SETTLES)
    return leases.claim(ended.order_by("pk"), worker=worker, limit=limit, length=LEASE)


def make(lease: Lease) -> None:
    """Make what is missing."""
    replay: Replay | None = lease.held().select_related("airing").first()
    if replay is None:
        return
    reel = library.reel(replay)
    try:
        uploads.fetch(replay.airing.event_id, _names(reel))
    except (BucketError, OSError) as error:
        log.warning("replay %s: it can't be fetched: %s: %s", replay.pk, type(error).__name__, error)
        lease.rest()
        return
    if replay.file_state == Replay.FileState.WANTED:
        _make_file(lease, replay, reel)
    if replay.sheets is None:
        _make_sheets(lease, replay, reel)
    lease.release()
    away.plan(Replay.objects.filter(pk=replay.pk).select_related("airing"))


def _names(reel: Reel) -> list[str]:
    """The files that a replay is made of."""
    return list(
        dict.fromkeys(f"{one.recording}/{name}" for one in reel.chunks for name in (one.init, one.name))
    )


def _make_file(lease: Lease, replay: Replay, reel: Reel) -> None:
    name = f"{secrets.token_urlsafe(16)}{recordings.INIT_SUFFIX}"
    path = library.files_of(replay.airing.event_id) / name
    if _is_uniform(replay, reel):
        # The movie's index is moved to its front once it is written, so players start before they have all of it.
        arguments = ["-c", "copy", "-movflags", "+faststart", "-f", "mp4"]
        is_made = (
            bool(reel.chunks) and _has_room(2 * _size_bytes(reel)) and _ffmpeg(replay, reel, arguments, path)
        )
    else:
        is_made = _write_movie(replay, reel, path)
    state = Replay.FileState.READY if is_made else Replay.FileState.FAILED
    if not _keep(lease, replay, file_state=state, file_name=name if is_made else ""):
        path.unlink(missing_ok=True)


def _make_sheets(lease: Lease, replay: Replay, reel: Reel) -> None:
    name = secrets.token_urlsafe(8)
    folder = library.files_of(replay.airing.event_id)
    arguments = ["-an", "-vf", sheets.FILTER, "-q:v", "6", "-f", "image2"]
    is_made = bool(reel.chunks) and _ffmpeg(
        replay, reel, arguments, folder / f"{name}-%d.jpg", only_keyframes=True
    )
    made = sorted(folder.glob(f"{name}-*.jpg")) if is_made else []
    if not _keep(lease, replay, sheets=len(made), sheet_name=name if made else ""):
        for one in made:
            one.unlink(missing_ok=True)


def _keep(lease: Lease, replay: Replay, **columns: object) -> bool:
    """Write what was made, unless the replay was cut otherwise meanwhile: nothing that was cut off may be left."""
    same = lease.held().filter(start_at=replay.start_at, end_at=replay.end_at)
    return bool(same.update(**columns))


def _size_bytes(reel: Reel) -> int:
    return sum(one.size_bytes for one in reel.chunks)


def _has_room(size_bytes: int) -> bool:
    return shutil.disk_usage(library.root()).free > size_bytes + GIB


def _is_uniform(replay: Replay, reel: Reel) -> bool:
    """Whether ffmpeg can read its playlist: it reads the first configuration only, and what comes with another one is lost."""
    try:
        return movie.is_uniform(library.folder_of(replay.airing.event_id), reel.chunks)
    except OSError:
        # ffmpeg will say what is missing.
        return True


def _write_movie(replay: Replay, reel: Reel, path: Path) -> bool:
    """Make one file of recordings with several configurations; returns whether it was made."""
    path.parent.mkdir(exist_ok=True)
    if not _has_room(_size_bytes(reel)):
        return False
    try:
        movie.write(library.folder_of(replay.airing.event_id), reel.chunks, path)
    except (MovieError, OSError) as error:
        log.warning("replay %s: no file can be made: %s: %s", replay.pk, type(error).__name__, error)
        path.unlink(missing_ok=True)
        return False
    return True


def _ffmpeg(
    replay: Replay, reel: Reel, arguments: list[str], output: Path, *, only_keyframes: bool = False
) -> bool:
    """Run ffmpeg over a replay, last in line for the processor; returns whether it made `output`."""
    output.parent.mkdir(exist_ok=True)
    with _readable(replay, reel) as source:
        if source is None:
            return False
        read = ["-protocol_whitelist", "file", *source]
        skip = ["-skip_frame", "nokey"] if only_keyframes else []
        command = [
            "nice",
            "-n",
            "19",
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-threads",
            "1",
            *skip,
            *read,
        ]
        try:
            done = subprocess.run(
                [*command, *arguments, str(output)], check=False, capture_output=True, timeout=PATIENCE_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("replay %s: ffmpeg: %s", replay.pk, error)
            return False
    if done.returncode != 0:
        log.warning("replay %s: ffmpeg: %s", replay.pk, done.stderr.decode(errors="replace")[-300:])
        output.unlink(missing_ok=True)
    return done.returncode == 0


@contextmanager
def _readable(replay: Replay, reel: Reel) -> Iterator[list[str] | None]:
    """A replay as ffmpeg reads all of it: its playlist, or a file where its size changes. None when there is none."""
    if _is_uniform(replay, reel):
        with _listed(replay, reel) as playlist:
            yield ["-allowed_extensions", "ALL", "-i", str(playlist)]
        return
    path = library.files_of(replay.airing.event_id) / f"{secrets.token_urlsafe(16)}{recordings.INIT_SUFFIX}"
    try:
        # Else ffmpeg begins its filters anew at each change of size, and its sheets too.
        yield ["-reinit_filter", "0", "-i", str(path)] if _write_movie(replay, reel, path) else None
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _listed(replay: Replay, reel: Reel) -> Iterator[Path]:
    """The playlist of a replay as a file beside its recordings."""
    path = library.folder_of(replay.airing.event_id) / f"{secrets.token_hex(8)}.m3u8"
    path.write_bytes(timeline.playlist(reel.chunks, is_over=True, lengths=reel.lengths))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


# --- what is deleted


def tidy(now: datetime) -> int:
    """Delete what is kept no longer; returns how many replays and recordings."""
    if settings.RECORDINGS is None:
        return 0
    removed = 0
    if away.is_used():
        uploads.bring_indexes()
    for replay in _unplayed(now).filter(delete_at__lt=now):
        log.info("replay %s of event %s: its time has passed", replay.pk, replay.airing.event_id)
        editing.delete(replay)
        removed += 1
    removed += _delete_surplus(now)
    if away.is_used():
        away.forget_surplus()
        away.plan(Replay.objects.filter(airing__ended_at__lt=now - SETTLES).select_related("airing"))
        uploads.make_room(now)
    return removed + _make_room(now)


def _unplayed(now: datetime) -> QuerySet[Replay]:
    """Replays of airings that are over and that nobody plays, the oldest first."""
    lately = Q(played_at=None) | Q(played_at__lt=now - JUST_PLAYED)
    over = Replay.objects.filter(lately, airing__ended_at__lt=now - SETTLES)
    return over.select_related("airing").order_by("airing__began_at")


def _delete_surplus(now: datetime) -> int:
    root = library.root()
    removed = 0
    for event_id in recordings.events(root):
        replays = Replay.objects.filter(airing__event=event_id).select_related("airing")
        needed = {folder for replay in replays for folder in library.folders_of(replay.airing)}
        for folder in recordings.of_event(root, event_id):
            if folder not in needed and _changed_at(folder) < now - SURPLUS_KEPT:
                log.info("recording %s/%s belongs to no replay", event_id, folder.name)
                shutil.rmtree(folder, ignore_errors=True)
                away.forget(event_id, [folder.name])
                removed += 1
        removed += _delete_surplus_files(event_id, replays, now)
    return removed


def _delete_surplus_files(event_id: int, replays: Iterable[Replay], now: datetime) -> int:
    """Delete what was made of replays that are gone, as after their event was deleted."""
    names = {one.file_name for one in replays}
    beginnings = tuple(f"{one.sheet_name}-" for one in replays if one.sheet_name)
    folder, removed = library.files_of(event_id), 0
    for file in folder.iterdir() if folder.is_dir() else ():
        is_needed = file.name in names or file.name.startswith(beginnings)
        if not is_needed and file.stat().st_mtime < (now - SURPLUS_KEPT).timestamp():
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def _changed_at(folder: Path) -> datetime:
    """When something was last recorded in a folder."""
    index = folder / recordings.INDEX
    stamp = (index if index.exists() else folder).stat().st_mtime
    return datetime.fromtimestamp(stamp, tz=timezone.get_current_timezone())


def _make_room(now: datetime) -> int:
    limit_gib = settings.BUCKET_GIB if away.is_used() else settings.RECORDINGS_GIB
    removed = 0
    for replay in _unplayed(now):
        used = away.size_bytes() if away.is_used() else recordings.size_bytes(library.root())
        if used <= limit_gib * GIB:
            break
        log.warning(
            "recordings take more than %s GiB: replay %s of event %s is deleted before its time",
            limit_gib,
            replay.pk,
            replay.airing.event_id,
        )
        editing.delete(replay)
        removed += 1
    return removed
