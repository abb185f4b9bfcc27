"""A track that stays away while the other one goes on."""

from amphi.origin.hls.opening import AUDIO, VIDEO

# Players wait for a track that is announced and does not come. Short of this it may still be on its way; and some publishers send a
# picture only when something moves: one that was left out has to wait for a keyframe.
AWAY_MS = {AUDIO: 3_000, VIDEO: 10_000}
# A longer step is the publisher's own pause, and says nothing of the other track.
LONGEST_STEP_MS = 500
_OTHER = {AUDIO: VIDEO, VIDEO: AUDIO}


class Absence:
    """Counts how much of each track came since the last frame of the other."""

    def __init__(self) -> None:
        self._away_ms = {AUDIO: 0, VIDEO: 0}
        self._last_ms: dict[str, int] = {}

    def note(self, track: str, at_ms: int) -> None:
        """A frame of `track` came, of this time."""
        step = at_ms - self._last_ms.get(track, at_ms)
        self._last_ms[track] = at_ms
        self._away_ms[track] = 0
        self._away_ms[_OTHER[track]] += min(max(step, 0), LONGEST_STEP_MS)

    def is_away(self, track: str) -> bool:
        """Whether the other track has gone on without it for so long that it is to be left out."""
        return self._away_ms[track] >= AWAY_MS[track]
