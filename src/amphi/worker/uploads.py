"""Brings recordings into the bucket once their live is over, fetches what is worked on, and deletes there what nothing needs any more.

What is in the folder and what is in the bucket are compared by names and sizes, so whatever was done already is not done again: not after a
restart in mid-upload, not after hours without an answer. An item is stored when the bucket lists all of it; only then may the copy in the
folder go. Nothing is given up: a problem is told in the log, in the administration and by ``amphi check``, and tried again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from amphi.audience.models import BucketItem
from amphi.audience.replays import away, library
from amphi.bucket.exceptions import BucketError, BucketFailedError, NoObjectError
from amphi.bucket.store import DELETED_AT_ONCE, Bucket
from amphi.system import leases, recordings
from amphi.system.leases import Lease

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Renewed while the work lasts."""
RESTS = timedelta(minutes=10)
"""A recording that does not say that it ended is complete when nothing came for so long: its origin died."""
LOOK_AGAIN = timedelta(minutes=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
WORKED_ON = timedelta(hours=2)
"""What was fetched stays in the folder for so long: longer than ffmpeg may take."""
INDEXES_AT_ONCE = 200
VIDEO_TYPE, INDEX_TYPE = "video/mp4", "application/x-ndjson"
State = BucketItem.State


class LeftError(Exception):
    """The lease was lost, or the item is no longer to be uploaded."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """An object to be: its name, the file, and how many bytes of it; None for as many as there are."""

    name: str
    path: Path
    size_bytes: int | None

    def is_among(self, there: dict[str, int]) -> bool:
        """Whether it is in the bucket. What the folder no longer has was there before."""
        if self.size_bytes is not None:
            return there.get(self.name) == self.size_bytes
        return self.name in there and (not self.path.exists() or self.path.stat().st_size == there[self.name])


def bucket() -> Bucket:
    """The bucket of the settings. Call it only where there is one."""
    return Bucket(
        settings.BUCKET_URL,
        key=settings.BUCKET_KEY,
        secret=settings.BUCKET_SECRET,
        region=settings.BUCKET_REGION,
    )


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` items of which something is to be done."""
    if not away.is_used():
        return []
    due = BucketItem.objects.filter(attempt_at__lte=timezone.now()).order_by("attempt_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def carry_out(lease: Lease) -> None:
    """Upload or delete one item."""
    item: BucketItem | None = lease.held().first()
    if item is None:
        return
    try:
        if item.state == State.UNWANTED:
            _delete(lease, item)
        else:
            _upload(lease, item)
    except LeftError:
        lease.release()
    except BucketError as error:
        log.warning("recording %s: the bucket: %s: %s", item, type(error).__name__, error)
        _again(lease, item, error.code)
    except OSError as error:
        log.warning("recording %s: the folder: %s", item, error)
        _again(lease, item, "folder")


def _again(lease: Lease, item: BucketItem, reason: str) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(item.attempts, 10), LONGEST_PAUSE)
    attempts = min(item.attempts + 1, 1000)
    # What became unwanted meanwhile is due at once.
    same = lease.held().filter(state=item.state)
    same.update(attempts=attempts, reason=reason, attempt_at=timezone.now() + pause)
    lease.release()


# --- into the bucket


def _upload(lease: Lease, item: BucketItem) -> None:
    is_recording = bool(recordings.RECORDING.fullmatch(item.name))
    found = _recording(item) if is_recording else _file(item)
    if found is None:
        lease.release(attempt_at=timezone.now() + LOOK_AGAIN)
        return
    pieces, index_bytes = found
    store = bucket()
    there = _there(store, item, is_recording=is_recording)
    for piece in pieces:
        if piece.is_among(there):
            continue
        if not lease.held().filter(state=State.WAITING).exists():
            raise LeftError
        _put(store, item, piece, keeps_its_name=is_recording)
    there = _there(store, item, is_recording=is_recording)
    missing = [piece.name for piece in pieces if not piece.is_among(there)]
    if missing:
        raise BucketFailedError(f"{len(missing)} objects are not listed, {missing[0]} among them")
    stored = lease.held().filter(state=State.WAITING)
    stored.update(
        state=State.STORED,
        reason="",
        attempts=0,
        attempt_at=None,
        size_bytes=sum(there.values()),
        index_bytes=index_bytes,
        local_until=timezone.now() + timedelta(hours=settings.BUCKET_LOCAL_HOURS),
    )
    log.info("recording %s is in the bucket: %d objects", item, len(there))
    lease.release()


def _recording(item: BucketItem) -> tuple[list[_Piece], int] | None:
    """What is to be in the bucket of a recording, its index last, and the index's size; None while it may still grow."""
    folder = library.folder_of(item.event_id) / item.name
    index = folder / recordings.INDEX
    stat = index.stat()
    found = recordings.read(folder)
    if found is None:
        raise FileNotFoundError(index)
    rests = datetime.fromtimestamp(stat.st_mtime, UTC) < timezone.now() - RESTS
    if not found.is_ended and not rests:
        return None
    inits = dict.fromkeys(one.init for one in found.whole)
    pieces = [_Piece(name, folder / name, None) for name in inits]
    pieces += [_Piece(one.name, folder / one.name, one.size_bytes) for one in found.whole]
    pieces.append(_Piece(recordings.INDEX, index, found.read_bytes))
    return pieces, stat.st_size


def _file(item: BucketItem) -> tuple[list[_Piece], int]:
    path = library.folder_of(item.event_id) / item.name
    return [_Piece(path.name, path, None)], 0


def _there(store: Bucket, item: BucketItem, *, is_recording: bool) -> dict[str, int]:
    if is_recording:
        return store.sizes(str(item))
    try:
        return {Path(item.name).name: store.size(str(item))}
    except NoObjectError:
        return {}


def _put(store: Bucket, item: BucketItem, piece: _Piece, *, keeps_its_name: bool) -> None:
    name = f"{item}/{piece.name}" if keeps_its_name else str(item)
    with piece.path.open("rb") as file:
        if keeps_its_name:
            # Of a chunk at whose end the origin died, only what is whole.
            kind = INDEX_TYPE if piece.name == recordings.INDEX else VIDEO_TYPE
            store.put(name, file.read(piece.size_bytes), content_type=kind)
        else:
            store.put(name, file, content_type=VIDEO_TYPE, file_name=piece.name)


# --- out of the bucket


def _delete(lease: Lease, item: BucketItem) -> None:
    """Delete all objects of an item; its row goes once none is left, at a second look, since an upload may have been under way."""
    store = bucket()
    is_recording = bool(recordings.RECORDING.fullmatch(item.name))
    there = _there(store, item, is_recording=is_recording)
    if not there:
        lease.held().delete()
        return
    names = [f"{item}/{name}" for name in there] if is_recording else [str(item)]
    for start in range(0, len(names), DELETED_AT_ONCE):
        if not lease.held().exists():
            raise LeftError
        store.delete(names[start : start + DELETED_AT_ONCE])
    log.info("recording %s: %d objects of the bucket are deleted", item, len(names))
    lease.release(attempts=0, reason="", size_bytes=0, attempt_at=timezone.now() + LEASE * 2)


def fetch(event_id: int, names: Iterable[str]) -> None:
    """Have files of an event in the folder for some time: those that are in the bucket alone are fetched.

    Args:
        event_id: the event's number.
        names: each with the folder's name of its recording, or ``files``, before it.

    Raises:
        BucketError: a call failed. An object that is not there is only told of.
        OSError: the folder can't be written.
    """
    if not away.is_used():
        return
    names = list(names)
    items = {name if name.startswith(f"{recordings.FILES}/") else name.partition("/")[0] for name in names}
    # Before the first is looked for, so that nothing is removed in between.
    until = timezone.now() + WORKED_ON
    stored = BucketItem.objects.filter(event_id=event_id, name__in=items, state=State.STORED)
    stored.filter(Q(local_until=None) | Q(local_until__lt=until)).update(local_until=until)
    folder = library.folder_of(event_id)
    missing = [name for name in names if not (folder / name).exists()]
    if not missing:
        return
    store = bucket()
    for name in missing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            store.fetch(f"{event_id}/{name}", folder / name)
        except NoObjectError:
            log.warning("recording %s/%s is neither in the folder nor in the bucket", event_id, name)


# --- out of the folder


def make_room(now: datetime) -> None:
    """Remove from the folder what is in the bucket and has stayed for its time; all that is in the bucket, while the folder has too much."""
    local = BucketItem.objects.filter(state=State.STORED).exclude(local_until=None).order_by("local_until")
    for item in local:
        has_stayed = item.local_until is not None and item.local_until <= now
        if not has_stayed and not _is_folder_full():
            break
        _leave(item)
    if _is_folder_full():
        log.error(
            "recordings take more than %s GiB of the folder, and are not in the bucket yet: nothing of them is deleted",
            settings.RECORDINGS_GIB,
        )


def _is_folder_full() -> bool:
    return recordings.size_bytes(library.root()) > settings.RECORDINGS_GIB * 2**30


def _leave(item: BucketItem) -> None:
    """Remove the copy in the folder; a recording's index stays, by which its replays are shown."""
    rows = BucketItem.objects.filter(pk=item.pk, state=State.STORED)
    # Due again soon, should this worker die meanwhile; and not whoever fetches it just now.
    again = timezone.now() + LOOK_AGAIN
    if not rows.filter(local_until=item.local_until).update(local_until=again):
        return
    path = library.folder_of(item.event_id) / item.name
    if not recordings.RECORDING.fullmatch(item.name):
        path.unlink(missing_ok=True)
    elif not (path / recordings.INDEX).exists():
        log.warning("recording %s: the folder lost it", item)
    elif (path / recordings.INDEX).stat().st_size != item.index_bytes:
        # More came: it is uploaded first.
        rows.update(state=State.WAITING, attempt_at=timezone.now())
        return
    else:
        for one in path.iterdir():
            if one.name != recordings.INDEX:
                one.unlink(missing_ok=True)
    rows.filter(local_until=again).update(local_until=None)


def bring_indexes() -> None:
    """Fetch the indexes of recordings that the folder lost, as on a new machine: their replays are there again."""
    stored = BucketItem.objects.filter(state=State.STORED).exclude(name__startswith=f"{recordings.FILES}/")
    lost = [one for one in stored if not (library.root() / str(one) / recordings.INDEX).exists()]
    for item in lost[:INDEXES_AT_ONCE]:
        try:
            fetch(item.event_id, [f"{item.name}/{recordings.INDEX}"])
        except (BucketError, OSError) as error:
            log.warning("recording %s: its index can't be fetched: %s", item, error)
            return
        index = library.root() / str(item) / recordings.INDEX
        if index.exists():
            log.warning("recording %s: its index was fetched from the bucket", item)
