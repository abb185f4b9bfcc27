"""Where a stream is cut."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Cutting:
    """Where to cut.

    Attributes:
        part: the duration of a part; rounded to whole frames.
        segment: a segment ends at the first keyframe after this duration.
        max_segment: a segment ends at this duration even without a keyframe.
    """

    part: timedelta = timedelta(milliseconds=200)
    segment: timedelta = timedelta(seconds=1)
    max_segment: timedelta = timedelta(seconds=20)
