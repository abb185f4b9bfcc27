"""The captions of a live that is seen again, on the time line of its replay."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from amphi.audience.captions import cues
from amphi.audience.captions.cues import Cue
from amphi.audience.models import Airing
from amphi.audience.replays.timeline import Span


def of_replay(airing: Airing, spans: Sequence[Span]) -> list[Cue]:
    """The captions that begin in a replay. What was cut off, or said in a gap, is in none."""
    if not spans:
        return []
    end_s = (spans[-1].media_ms + spans[-1].duration_ms) / 1000
    found = []
    for row in airing.captions.all():
        start_s = place_s(spans, row.at)
        if start_s is not None:
            found.append(Cue(start_s, start_s + (row.until - row.at).total_seconds(), row.text))
    return [Cue(cue.start_s, min(cue.end_s, end_s), cue.text) for cue in cues.placed(found)]


def of_airing(airing: Airing) -> list[Cue]:
    """All captions of an airing, from its beginning."""

    def second(at: datetime) -> float:
        return (at - airing.began_at) / timedelta(seconds=1)

    return cues.placed(Cue(second(row.at), second(row.until), row.text) for row in airing.captions.all())


def place_s(spans: Sequence[Span], at: datetime) -> float | None:
    """Where a moment is in a replay, in seconds: the last place, where it is in it twice; None where it is not in it."""
    at_ms = at.timestamp() * 1000
    for span in reversed(spans):
        if span.wall_ms <= at_ms < span.wall_ms + span.duration_ms:
            return (span.media_ms + at_ms - span.wall_ms) / 1000
    return None
