"""The page on the audience of a webinar, for those who present it."""

from dataclasses import dataclass

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amphi.audience import attendance_report
from amphi.audience.attendance_report import Figures, Point
from amphi.meetings.models import Meeting
from amphi.pages.access import moderator
from amphi.pages.webinars.views import livestream_or_404

AIRINGS_SHOWN = 50
PEOPLE_SHOWN = 100
ROWS_SHOWN = 60
"""Of the curve as a table; of a longer one, each row is the most of some minutes."""
WIDTH, HEIGHT = 720, 200
"""Of the curve, in its own units."""
FILES = {"people": attendance_report.people_csv, "curve": attendance_report.curve_csv}


@dataclass(frozen=True, slots=True)
class Drawing:
    """The curve as it is drawn: steps from the first minute to the last, and the area below them."""

    line: str
    area: str


def _drawing(figures: Figures) -> Drawing | None:
    if not figures.peak or not figures.peak.listeners:
        return None
    step = WIDTH / len(figures.curve)
    scale = HEIGHT / figures.peak.listeners
    line = " ".join(
        f"{'L' if number else 'M'}{number * step:.1f} {HEIGHT - point.listeners * scale:.1f} h{step:.1f}"
        for number, point in enumerate(figures.curve)
    )
    return Drawing(line, f"{line} V{HEIGHT} H0 Z")


def _rows(curve: list[Point]) -> tuple[int, list[Point]]:
    """How many minutes one row of the table is of, and the rows."""
    minutes = -(-len(curve) // ROWS_SHOWN) or 1
    pieces = [curve[first : first + minutes] for first in range(0, len(curve), minutes)]
    return minutes, [Point(piece[0].at, max(point.listeners for point in piece)) for piece in pieces]


@moderator
@require_safe
@never_cache
def attendance(request: HttpRequest, meeting: Meeting, pk: int | None = None) -> HttpResponse:
    """The audience of one airing: the latest, unless another is chosen."""
    event = livestream_or_404(meeting).event
    airings = list(attendance_report.airings_of(event)[:AIRINGS_SHOWN])
    chosen = get_object_or_404(event.airings, pk=pk) if pk else next(iter(airings), None)
    context: dict[str, object] = {"meeting": meeting, "event": event, "airings": airings, "chosen": chosen}
    if chosen is not None:
        figures = attendance_report.figures(chosen)
        page = Paginator(attendance_report.people(chosen), PEOPLE_SHOWN).get_page(request.GET.get("page"))
        row_minutes, rows = _rows(list(figures.curve))
        context |= {
            "figures": figures,
            "drawing": _drawing(figures),
            "box": f"0 -4 {WIDTH} {HEIGHT + 8}",
            "row_minutes": row_minutes,
            "rows": rows,
            "last": figures.curve[-1] if figures.curve else None,
            "kept_days": settings.ATTENDANCE_DAYS,
            "page": page,
            "people": attendance_report.named(list(page.object_list)),
        }
    return render(request, "webinars/attendance.html", context)


@moderator
@require_safe
@never_cache
def attendance_csv(request: HttpRequest, meeting: Meeting, pk: int, table: str) -> HttpResponse:  # noqa: ARG001 -- the address says it all
    """One table of an airing as a file."""
    airing = get_object_or_404(livestream_or_404(meeting).event.airings, pk=pk)
    day = timezone.localtime(airing.began_at).strftime("%Y-%m-%d")
    name = f"{slugify(meeting.name)[:60] or 'webinar'}-{day}-{table}.csv"
    return HttpResponse(
        FILES[table](airing),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
