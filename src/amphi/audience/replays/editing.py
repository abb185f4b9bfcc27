"""What presenters decide of a replay: who sees it and for how long, where it begins and ends, its chapters; and its end."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from amphi.audience.exceptions import ReplayError
from amphi.audience.models import Airing, Chapter, Event, Replay, ReplayFor
from amphi.audience.replays import away, library
from amphi.audience.replays.sheets import name_of
from amphi.system.typed import clean_line

MOST_CHAPTERS = 100
LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a chapter begins, and what it is called."""

    at: datetime
    title: str


def longest_days() -> int:
    """The longest that a replay may be kept, in days."""
    return int(settings.RECORDINGS_DAYS)


def plan(event: Event, *, shown_to: ReplayFor, days: int) -> None:
    """Decide for the lives of `event` that are to come; one that is on the air is as it began, but for who sees it and for how long."""
    with transaction.atomic():
        Event.objects.filter(pk=event.pk).update(replay_for=shown_to, replay_days=days)
        event.replay_for, event.replay_days = shown_to, days
        if shown_to != ReplayFor.NOTHING:
            Replay.objects.filter(airing__event=event, airing__ended_at=None).update(
                shown_to=shown_to, days=days
            )


def show(replay: Replay, *, shown_to: ReplayFor, days: int) -> None:
    """Decide who sees a replay, and for how many days after the live."""
    replay.shown_to, replay.days = shown_to, days
    ended_at = replay.airing.ended_at
    replay.delete_at = ended_at + timedelta(days=days) if ended_at is not None else None
    replay.save(update_fields=["shown_to", "days", "delete_at"])


def trim(replay: Replay, start: datetime | None, end: datetime | None) -> None:
    """Cut off what was before and after; None keeps all.

    Raises:
        ReplayError: nothing would be left.
    """
    before = replay.start_at, replay.end_at
    replay.start_at, replay.end_at = start, end
    if not library.reel(replay).chunks:
        replay.start_at, replay.end_at = before
        raise ReplayError(_("Nothing would be left: the end must be after the start, within the live."))
    # What was made before still has what is cut off now.
    forget_files(replay)
    replay.save(update_fields=["start_at", "end_at", "file_state", "file_name", "sheets", "sheet_name"])


def set_chapters(replay: Replay, marks: Sequence[Mark]) -> None:
    """Replace the chapters.

    Raises:
        ReplayError: there are too many, or two at one moment.
    """
    if len(marks) > MOST_CHAPTERS:
        raise ReplayError(_("A replay has %(most)s chapters at most.") % {"most": MOST_CHAPTERS})
    if len({mark.at for mark in marks}) < len(marks):
        raise ReplayError(_("Two chapters begin at the same time."))
    rows = [
        Chapter(replay=replay, at=mark.at, title=clean_line(mark.title)[:LONGEST_TITLE]) for mark in marks
    ]
    with transaction.atomic():
        Replay.objects.select_for_update().get(pk=replay.pk)
        replay.chapters.all().delete()
        Chapter.objects.bulk_create(rows)


def note_slides(event: Event, at: datetime) -> None:
    """Other slides are shown: begin a chapter in the replay of the airing that is on, if there is one and it has room."""
    replay = Replay.objects.filter(airing__event=event, airing__ended_at=None).first()
    number = replay.chapters.count() if replay is not None else MOST_CHAPTERS
    if number < MOST_CHAPTERS:
        with translation.override(settings.LANGUAGE_CODE):
            title = _("Slides %(number)s") % {"number": number + 1}
        Chapter.objects.get_or_create(replay=replay, at=at, defaults={"title": title})


def forget_files(replay: Replay) -> None:
    """Delete what was made of a replay; the caller saves the row."""
    folder = library.files_of(replay.airing.event_id)
    names = [name_of(replay.sheet_name, number + 1) for number in range(replay.sheets or 0)]
    for name in [*names, *filter(None, [replay.file_name])]:
        (folder / name).unlink(missing_ok=True)
    if replay.file_name:
        away.forget(replay.airing.event_id, [away.file_item(replay.file_name)])
    replay.file_state, replay.file_name = Replay.FileState.NONE, ""
    replay.sheets, replay.sheet_name = None, ""


def ask_for_file(replay: Replay) -> None:
    """Have the file to download made, unless it is there."""
    if replay.file_state != Replay.FileState.READY:
        Replay.objects.filter(pk=replay.pk).update(file_state=Replay.FileState.WANTED)


def delete(replay: Replay) -> None:
    """Delete a replay, what was recorded of its airing, and its captions. What another airing has in the same recording stays."""
    forget_files(replay)
    airing = replay.airing
    airing.captions.all().delete()
    others = Airing.objects.filter(event_id=airing.event_id, replay__isnull=False).exclude(pk=airing.pk)
    needed = {folder for other in others for folder in library.folders_of(other)}
    gone = [folder for folder in library.folders_of(airing) if folder not in needed]
    replay.delete()
    away.forget_recordings(airing, others)
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
