"""The page on which a live is seen again."""

from dataclasses import astuple
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amphi.audience import afterwards
from amphi.audience.captions import choosing, cues, shown_again
from amphi.audience.domain import ticket_for
from amphi.audience.models import Event, Replay, ReplayFor
from amphi.audience.replays import library, said, sheets, timeline
from amphi.audience.rights import can_watch, moderates_event
from amphi.meetings.rights import can_moderate
from amphi.pages.access import (
    asks_password,
    finder,
    registration_of,
    replay_viewer,
    sees_replay,
)
from amphi.pages.live.viewers import remember, visitor_in, visitor_of
from amphi.system import recordings
from amphi.webinars.models import Livestream

OTHERS_SHOWN = 20


def latest(request: HttpRequest, event: Event) -> Replay | None:
    """The latest replay of `event` of which there is something, for somebody who may watch the live; None when they may see none."""
    for replay in library.replays_of(event).exclude(airing__ended_at=None):
        if sees_replay(request, replay) and library.folders_of(replay.airing):
            return replay
    return None


@require_safe
@never_cache
@finder
def latest_replay(request: HttpRequest, event: Event) -> HttpResponse:
    """Lead to the latest replay of an event, that of a live that runs too; the page there decides who may."""
    shown = library.replays_of(event)
    if not moderates_event(request.user, event):
        shown = shown.exclude(shown_to=ReplayFor.PRESENTERS)
    replay = shown.first()
    if replay is None:
        raise Http404
    address = reverse("live:replay", args=[event.slug, replay.pk])
    moment = request.GET.get("t")
    return redirect(f"{address}?{urlencode({'t': moment})}" if moment else address)


def media_url(request: HttpRequest, replay: Replay, visitor: str) -> str:
    """The address of a replay's playlist, for the one who asks."""
    ticket = ticket_for(
        replay.airing.event, request.user, visitor, registration_of(request), replay_id=replay.pk
    )
    return f"/t/{ticket}/replay/{replay.pk}/{timeline.PLAYLIST}"


@require_safe
@never_cache
@replay_viewer
def replay_page(request: HttpRequest, replay: Replay) -> HttpResponse:
    """The picture of a live that is over, with all that was said along its time line."""
    event = replay.airing.event
    visitor = visitor_of(request)
    reel = library.reel(replay)
    spans = timeline.spans(reel.chunks)
    chapters = said.chapters(replay, spans)
    facts = {
        "url": media_url(request, replay, visitor),
        "said_url": reverse("live:replay_said", args=[event.slug, replay.pk]),
        "spans": [astuple(span) for span in spans],
        "chapters": chapters,
        "grows": replay.airing.ended_at is None,
        "captions_url": _captions_url(replay, is_there=bool(reel.chunks)),
    }
    context = {
        "event": event,
        "replay": replay,
        "facts": facts,
        "chapters": chapters,
        "minutes": max(1, round(timeline.duration_s(reel.chunks) / 60)),
        "is_there": bool(reel.chunks),
        "after": afterwards.content(event),
        "is_usher": moderates_event(request.user, event),
        "edit_url": _edit_url(request, event),
        "others": _others(request, replay),
        "grows": replay.airing.ended_at is None,
        "for_presenters": replay.shown_to == ReplayFor.PRESENTERS,
        "file_url": _file_url(facts["url"], replay),
        "captions_url": facts["captions_url"],
        "captions_name": choosing.language_name(event.captions_language),
    }
    return remember(render(request, "live/replay.html", context), request, visitor)


def _edit_url(request: HttpRequest, event: Event) -> str:
    livestream = Livestream.objects.select_related("meeting").filter(event=event).first()
    if livestream is None or not can_moderate(request.user, livestream.meeting):
        return ""
    return reverse("webinars:replays", args=[livestream.meeting.slug])


def _file_url(playlist_url: object, replay: Replay) -> str:
    """The address of the file to download; empty when there is none."""
    if replay.file_state != Replay.FileState.READY:
        return ""
    return f"{str(playlist_url).removesuffix(timeline.PLAYLIST)}{recordings.FILES}/{replay.file_name}"


def _captions_url(replay: Replay, *, is_there: bool) -> str:
    """The address of the captions; empty when there are none, and none will come."""
    airing = replay.airing
    comes = airing.ended_at is None and bool(airing.event.captions_from)
    if not is_there or not (comes or airing.captions.exists()):
        return ""
    return reverse("live:replay_captions", args=[airing.event.slug, replay.pk])


def _others(request: HttpRequest, replay: Replay) -> list[Replay]:
    others = library.replays_of(replay.airing.event).exclude(pk=replay.pk)[:OTHERS_SHOWN]
    return [one for one in others if sees_replay(request, one)]


@require_safe
@never_cache
@replay_viewer
def replay_said(request: HttpRequest, replay: Replay) -> HttpResponse:
    """What was said, asked and voted. Who sees a public replay of a live that they could not attend gets the picture alone."""
    event = replay.airing.event
    attended = can_watch(request.user, event, registration_of(request)) and not asks_password(request, event)
    spans = timeline.spans(library.reel(replay).chunks) if attended else []
    return JsonResponse(said.all_of(replay, spans))


@require_safe
@never_cache
@replay_viewer
def replay_chapters(request: HttpRequest, replay: Replay) -> HttpResponse:  # noqa: ARG001 -- the decorator's
    """The chapters as WebVTT, which players mark on their time line."""
    reel = library.reel(replay)
    rows = said.chapters(replay, timeline.spans(reel.chunks))
    ends = [float(str(row["place"])) for row in rows[1:]] + [timeline.duration_s(reel.chunks)]
    blocks = [
        f"{cues.stamp(float(str(row['place'])))} --> {cues.stamp(end)}\n{_in_cue(str(row['title']))}\n"
        for row, end in zip(rows, ends, strict=True)
    ]
    return _vtt(blocks)


@require_safe
@never_cache
@replay_viewer
def replay_pictures(request: HttpRequest, replay: Replay) -> HttpResponse:
    """Small pictures for the time line as WebVTT: which part of which sheet shows which seconds."""
    if not replay.sheets:
        raise Http404
    base = media_url(request, replay, visitor_in(request)).removesuffix(timeline.PLAYLIST)
    duration_s = timeline.duration_s(library.reel(replay).chunks)
    return _vtt(
        [
            f"{cues.stamp(start)} --> {cues.stamp(end)}\n{base}{recordings.FILES}/{part}\n"
            for start, end, part in sheets.cues(duration_s, replay.sheet_name, replay.sheets)
        ]
    )


@require_safe
@never_cache
@replay_viewer
def replay_captions(request: HttpRequest, replay: Replay) -> HttpResponse:
    """The captions as WebVTT: for the player, or to keep."""
    spans = timeline.spans(library.reel(replay).chunks)
    text = cues.vtt(shown_again.of_replay(replay.airing, spans))
    name = f"{replay.airing.event.slug}.vtt" if "download" in request.GET else ""
    return vtt_answer(text, name)


def _vtt(blocks: list[str]) -> HttpResponse:
    return vtt_answer("WEBVTT\n\n" + "\n".join(blocks))


def vtt_answer(text: str, file_name: str = "") -> HttpResponse:
    """A WebVTT file; with a name, one to keep."""
    answer = HttpResponse(text, content_type="text/vtt; charset=utf-8")
    if file_name:
        answer["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def _in_cue(title: str) -> str:
    """A title as it may stand in a cue."""
    return cues.escaped(title) or _("Chapter")
