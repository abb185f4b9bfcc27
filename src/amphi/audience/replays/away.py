"""What of an event's recordings goes into the bucket, as rows; the worker carries it out (`amphi.worker.uploads`). Nothing here asks another server."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone

from amphi.audience.models import Airing, BucketItem, Replay
from amphi.audience.replays import library
from amphi.system import recordings

State = BucketItem.State


def is_used() -> bool:
    """Whether there is a bucket."""
    return bool(settings.BUCKET_URL)


def file_item(file_name: str) -> str:
    """The item's name of a file that was made of a recording."""
    return f"{recordings.FILES}/{file_name}"


def plan(replays: Collection[Replay]) -> None:
    """Have what there is of replays in the folder uploaded, unless it was; and again what came since.

    Args:
        replays: of lives that are over, with their airings.
    """
    if not is_used():
        return
    now = timezone.now()
    events = {replay.airing.event_id for replay in replays}
    known = {(one.event_id, one.name): one for one in BucketItem.objects.filter(event_id__in=events)}
    for event_id, name, index_bytes in (one for replay in replays for one in _in_folder(replay)):
        item = known.get((event_id, name))
        if item is None:
            BucketItem.objects.get_or_create(event_id=event_id, name=name, defaults={"attempt_at": now})
        elif item.state == State.STORED and item.index_bytes != index_bytes:
            BucketItem.objects.filter(pk=item.pk, state=State.STORED).update(
                state=State.WAITING, attempt_at=now
            )


def _in_folder(replay: Replay) -> Iterator[tuple[int, str, int]]:
    """What there is of a replay in the folder: its event, its name, and how large its index is; 0 of a file, which never changes."""
    event_id = replay.airing.event_id
    for folder in library.folders_of(replay.airing):
        index = folder / recordings.INDEX
        if index.is_file():
            yield event_id, folder.name, index.stat().st_size
    if replay.file_state == Replay.FileState.READY:
        yield event_id, file_item(replay.file_name), 0


def forget(event_id: int, names: Collection[str]) -> None:
    """Have things of an event's recordings deleted in the bucket, also while they are being uploaded."""
    wanted = BucketItem.objects.filter(event_id=event_id, name__in=names).exclude(state=State.UNWANTED)
    wanted.update(state=State.UNWANTED, attempts=0, reason="", attempt_at=timezone.now())


def forget_recordings(airing: Airing, others: Collection[Airing]) -> None:
    """Have the recordings of an airing whose replay is deleted leave the bucket, but for those from which others have something."""
    items = BucketItem.objects.filter(event_id=airing.event_id).values_list("name", flat=True)
    folders = [Path(name) for name in items if recordings.RECORDING.fullmatch(name)]
    gone = [
        folder.name
        for folder in folders
        if library.is_of(airing, folder) and not any(library.is_of(other, folder) for other in others)
    ]
    forget(airing.event_id, gone)


def forget_surplus() -> None:
    """Have what no replay needs any more deleted in the bucket, as after its event was deleted."""
    replays: dict[int, list[Replay]] = defaultdict(list)
    for replay in Replay.objects.select_related("airing"):
        replays[replay.airing.event_id].append(replay)
    for item in wanted():
        if not _is_needed(item, replays[item.event_id]):
            forget(item.event_id, [item.name])


def _is_needed(item: BucketItem, replays: Collection[Replay]) -> bool:
    if recordings.RECORDING.fullmatch(item.name):
        return any(library.is_of(replay.airing, Path(item.name)) for replay in replays)
    return any(file_item(replay.file_name) == item.name for replay in replays)


def wanted() -> QuerySet[BucketItem]:
    """What is to stay in the bucket."""
    return BucketItem.objects.exclude(state=State.UNWANTED)


def size_bytes() -> int:
    """How much of the bucket is taken by what is to stay there."""
    return int(wanted().aggregate(total=Sum("size_bytes"))["total"] or 0)
