"""Small pictures of a replay, one every ten seconds, many on a sheet, for its time line."""

EVERY_S = 10
WIDTH, HEIGHT = 160, 90
ACROSS, DOWN = 10, 10
FILTER = (
    f"fps=1/{EVERY_S}:round=up:start_time=0,"
    f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,pad={WIDTH}:{HEIGHT}:-1:-1:eval=frame,"
    f"tile={ACROSS}x{DOWN}"
)
"""How ffmpeg makes the sheets, also of pictures whose size changes."""


def name_of(sheet_name: str, number: int) -> str:
    """The file's name of a sheet, counted from 1 as ffmpeg does."""
    return f"{sheet_name}-{number}.jpg"


def cues(duration_s: float, sheet_name: str, sheets: int) -> list[tuple[float, float, str]]:
    """From when, until when, and which part of which file: the fragment is that of Media Fragments URI, in pixels."""
    found = []
    for number in range(min(sheets * ACROSS * DOWN, int(duration_s // EVERY_S) + 1)):
        sheet, place = divmod(number, ACROSS * DOWN)
        row, column = divmod(place, ACROSS)
        area = f"xywh={column * WIDTH},{row * HEIGHT},{WIDTH},{HEIGHT}"
        start = number * EVERY_S
        end = min(start + EVERY_S, duration_s)
        if end > start:
            found.append((float(start), end, f"{name_of(sheet_name, sheet + 1)}#{area}"))
    return found
