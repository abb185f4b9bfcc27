"""The page on which presenters correct the captions of a live."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.audience.captions import correcting, cues, shown_again
from amphi.audience.models import Airing, Caption, Event, Replay
from amphi.audience.replays import library, timeline
from amphi.audience.replays.timeline import Span
from amphi.meetings.models import Meeting
from amphi.pages.access import moderator
from amphi.pages.live.replay_views import media_url, vtt_answer
from amphi.pages.live.viewers import remember, visitor_of
from amphi.pages.page_form import PageForm
from amphi.pages.webinars.views import livestream_or_404

ON_A_PAGE = 100
SHOWN = 50


class LinesForm(PageForm):
    """Some captions of an airing, a field each."""

    def __init__(self, data: Any, rows: list[Caption]) -> None:
        super().__init__(data)
        self.rows = rows
        for row in rows:
            self.fields[str(row.pk)] = forms.CharField(
                label=_("Caption of %(time)s") % {"time": timezone.localtime(row.at).strftime("%H:%M:%S")},
                initial=row.text,
                required=False,
                max_length=correcting.LONGEST,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )
        self.style()

    def save(self, airing: Airing) -> int:
        """Have the captions read so; returns how many are different."""
        typed = {row.pk: self.cleaned_data[str(row.pk)] for row in self.rows if str(row.pk) in self.data}
        return correcting.correct(airing, typed)


def _airings(event: Event) -> list[Airing]:
    return list(Airing.objects.filter(event=event, captions__isnull=False).distinct()[:SHOWN])


def _airing_or_404(meeting: Meeting, pk: int) -> Airing:
    return get_object_or_404(
        Airing.objects.select_related("event"), pk=pk, event=livestream_or_404(meeting).event
    )


def _lines(request: HttpRequest, airing: Airing) -> Page[Caption]:
    return Paginator(airing.captions.all(), ON_A_PAGE).get_page(request.GET.get("page"))


def _page(
    request: HttpRequest, meeting: Meeting, airing: Airing | None, form: LinesForm | None = None
) -> HttpResponse:
    event = livestream_or_404(meeting).event
    context: dict[str, Any] = {
        "meeting": meeting, "event": event, "airing": airing, "airings": _airings(event),
    }  # fmt: skip
    if airing is None:
        return render(request, "webinars/captions.html", context)
    visitor = visitor_of(request)
    lines = _lines(request, airing)
    filled = form or LinesForm(None, list(lines.object_list))
    replay = Replay.objects.select_related("airing__event__broadcaster").filter(airing=airing).first()
    chunks = library.reel(replay).chunks if replay is not None else []
    spans = timeline.spans(chunks)
    if replay is not None and chunks:
        context["replay"] = replay
        context["facts"] = {
            "url": media_url(request, replay, visitor),
            "spans": [[span.wall_ms, span.media_ms, span.duration_ms] for span in spans],
        }
    context |= {"form": filled, "page": lines, "lines": _with_places(filled, spans)}
    answer = render(request, "webinars/captions.html", context, status=422 if form else 200)
    return remember(answer, request, visitor)


def _with_places(form: LinesForm, spans: list[Span]) -> list[dict[str, Any]]:
    return [
        {"row": row, "field": form[str(row.pk)], "place": shown_again.place_s(spans, row.at)}
        for row in form.rows
    ]


@moderator
@require_safe
@never_cache
def captions(request: HttpRequest, meeting: Meeting, pk: int | None = None) -> HttpResponse:
    """The captions of one airing, the latest unless another is chosen."""
    if pk is not None:
        return _page(request, meeting, _airing_or_404(meeting, pk))
    found = _airings(livestream_or_404(meeting).event)
    return _page(request, meeting, found[0] if found else None)


@moderator
@require_POST
def correct(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Save the captions of one page."""
    airing = _airing_or_404(meeting, pk)
    # While the live goes on there are more than when the page was made: those that were on it.
    typed = [key for key in request.POST if key.count("-") == 4][:ON_A_PAGE]  # noqa: PLR2004 -- UUIDs
    try:
        rows = list(airing.captions.filter(pk__in=typed))
    except forms.ValidationError:
        raise Http404 from None
    form = LinesForm(request.POST, rows)
    if not form.is_valid():
        return _page(request, meeting, airing, form)
    number = form.save(airing)
    said = ngettext("%(number)d caption was changed.", "%(number)d captions were changed.", number)
    messages.success(request, said % {"number": number})
    address = reverse("webinars:captions_of", args=[meeting.slug, pk])
    page = request.GET.get("page", "")
    return redirect(f"{address}?page={page}" if page.isdigit() else address)


@moderator
@require_safe
@never_cache
def captions_vtt(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:  # noqa: ARG001 -- the decorator's
    """All captions of an airing as WebVTT, from its beginning: also where nothing was recorded."""
    airing = _airing_or_404(meeting, pk)
    return vtt_answer(cues.vtt(shown_again.of_airing(airing)), f"{airing.event.slug}.vtt")
