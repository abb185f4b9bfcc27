"""What of the meeting is in the picture."""

from enum import StrEnum


class Layout(StrEnum):
    """The values are the API's. A shared screen and a film count as slides."""

    SLIDES_AND_CAMERAS = "slides_and_cameras"
    SLIDES = "slides"
    CAMERAS = "cameras"
