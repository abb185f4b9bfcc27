"""Replays in the database and their recordings on the disk."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from amphi.audience.models import Airing, Event, Replay, ReplayFor
from amphi.audience.queries import reading
from amphi.audience.replays import sending, timeline
from amphi.outbox import domain as outbox
from amphi.outbox.models import Kind
from amphi.system import recordings
from amphi.system.recordings import Chunk, Recording

LONGEST = timedelta(hours=24)
"""Recordings that began longer before the end of an airing are not looked into."""
REMEMBERED = 64
_known: dict[Path, Recording] = {}
_reading = Lock()
PLAYED_EVERY = timedelta(minutes=1)
"""It is noted at most so often that a replay is played."""


@dataclass(frozen=True, slots=True)
class Reel:
    """The picture of a replay.

    Attributes:
        chunks: what it has, in their order.
        lengths: how many bytes of a file are whole, where that is not all of it.
        is_over: whether nothing more will come.
    """

    chunks: list[Chunk]
    lengths: dict[str, int]
    is_over: bool

    @property
    def playlist(self) -> bytes:
        return timeline.playlist(self.chunks, is_over=self.is_over, lengths=self.lengths)


def is_kept(event: Event) -> bool:
    """Whether the live of an event is recorded."""
    return settings.RECORDINGS is not None and event.replay_for != ReplayFor.NOTHING


def is_kept_id(event_id: int | None) -> bool:
    """Whether the live of an event is recorded, by its id."""
    if settings.RECORDINGS is None or event_id is None:
        return False
    return Event.objects.filter(pk=event_id).exclude(replay_for=ReplayFor.NOTHING).exists()


def root() -> Path:
    """The folder of all recordings. Call it only where recordings are on."""
    return Path(settings.RECORDINGS or "")


def folder_of(event_id: int) -> Path:
    """The folder of an event's recordings. Call it only where recordings are on."""
    return root() / str(event_id)


def files_of(event_id: int) -> Path:
    """The folder of what is made of an event's recordings."""
    return folder_of(event_id) / recordings.FILES


def replays_of(event: Event) -> QuerySet[Replay]:
    """The replays of an event, the latest first."""
    return Replay.objects.filter(airing__event=event).select_related("airing__event")


def folders_of(airing: Airing) -> list[Path]:
    """The folders of the recordings from which an airing may have something."""
    if settings.RECORDINGS is None:
        return []
    return [one for one in recordings.of_event(settings.RECORDINGS, airing.event_id) if is_of(airing, one)]


def is_of(airing: Airing, folder: Path) -> bool:
    """Whether an airing may have something from the recording in a folder of its event, by the folder's name."""
    began_at = recordings.began_at(folder)
    is_before_the_end = airing.ended_at is None or began_at < airing.ended_at
    return began_at > airing.began_at - LONGEST and is_before_the_end


def whole(airing: Airing) -> list[Chunk]:
    """All chunks of an airing, without what the presenters may have cut off."""
    found = [read(folder) for folder in folders_of(airing)]
    return timeline.cut(timeline.join(found), airing.began_at, airing.ended_at)


def reel(replay: Replay) -> Reel:
    """The picture of a replay, as it is now."""
    airing = replay.airing
    start = max(airing.began_at, replay.start_at or airing.began_at)
    chunks = timeline.cut(whole(airing), start, replay.end_at)
    is_over = airing.ended_at is not None
    # While it grows, the newest chunk is still being written.
    chunks = chunks if is_over else chunks[:-1]
    return Reel(chunks, _lengths(airing.event_id, chunks), is_over)


def _lengths(event_id: int, chunks: list[Chunk]) -> dict[str, int]:
    """Of chunks at whose end an origin may have died or a disk been full, how much is whole."""
    last_ones = [
        one
        for number, one in enumerate(chunks)
        if number + 1 == len(chunks)
        or chunks[number + 1].is_gap
        or chunks[number + 1].recording != one.recording
    ]
    found: dict[str, int] = {}
    for one in last_ones:
        path = folder_of(event_id) / one.recording / one.name
        if path.is_file() and path.stat().st_size != one.size_bytes:
            found[one.name] = one.size_bytes
    return found


def read(folder: Path) -> list[Chunk]:
    """The chunks of the recording in a folder. Of one that was read before, only what came since is read."""
    with _reading:
        found = _known.pop(folder, None)
        try:
            if found is None:
                found = recordings.read(folder)
            else:
                recordings.read_on(found)
        except FileNotFoundError:
            return []
        if found is None:
            return []
        _known[folder] = found
        if len(_known) > REMEMBERED:
            del _known[next(iter(_known))]
        return found.whole


def begin(airing: Airing) -> None:
    """Have a replay of an airing that begins, if its event is recorded."""
    event = airing.event
    if not is_kept(event):
        return
    over = airing.ended_at
    defaults = {
        "shown_to": event.replay_for,
        "days": event.replay_days,
        "delete_at": over + timedelta(days=event.replay_days) if over else None,
    }
    Replay.objects.get_or_create(airing=airing, defaults=defaults)


def end(event_id: int, ended_at: datetime) -> None:
    """The airing of an event is over: what is kept of it is kept from now on."""
    ended = Replay.objects.filter(airing__event=event_id, airing__ended_at=ended_at)
    for replay in ended.select_related("airing__event"):
        replay.delete_at = ended_at + timedelta(days=replay.days)
        replay.save(update_fields=["delete_at"])
        sending.ask_by_itself(replay, ended_at)
        outbox.tell(Kind.REPLAY, partial(_told, replay))


def _told(replay: Replay) -> dict[str, object]:
    event = replay.airing.event
    url = settings.AMPHI_URL + reverse("live:replay", args=[event.slug, replay.pk])
    said = {"url": url, "event": event.slug, "title": event.title, "shown_to": replay.shown_to}
    return {"replay": said}


@reading
def playlist_of(replay_id: int) -> bytes | None:
    """The playlist of a replay; None when it is gone, or nothing of it is there.

    Raises:
        LogUnavailableError: the database can't be read now.
    """
    replay = Replay.objects.select_related("airing").filter(pk=replay_id).first()
    if replay is None or settings.RECORDINGS is None:
        return None
    now = timezone.now()
    if replay.played_at is None or now - replay.played_at > PLAYED_EVERY:
        Replay.objects.filter(pk=replay_id).update(played_at=now)
    found = reel(replay)
    return found.playlist if found.chunks else None
