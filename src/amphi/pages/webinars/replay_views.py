"""The page on which presenters prepare a replay."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.audience.exceptions import ReplayError
from amphi.audience.models import Event, PodTransfer, Replay
from amphi.audience.replays import editing, library, sending, timeline
from amphi.meetings.models import Meeting
from amphi.pages.access import moderator
from amphi.pages.live.replay_views import media_url
from amphi.pages.live.viewers import remember, visitor_of
from amphi.pages.webinars.replay_forms import ShownForm, TrimForm, chapters_form, save_chapters
from amphi.pages.webinars.views import livestream_or_404
from amphi.pages.webinars.wording import pod_reason

SHOWN = 50


def _replay_or_404(event: Event, pk: int) -> Replay:
    return get_object_or_404(library.replays_of(event), pk=pk)


def _page(
    request: HttpRequest, meeting: Meeting, replay: Replay | None, filled: dict[str, Any] | None = None
) -> HttpResponse:
    event = livestream_or_404(meeting).event
    context: dict[str, Any] = {
        "meeting": meeting,
        "event": event,
        "replays": list(library.replays_of(event)[:SHOWN]),
        "replay": replay,
    }
    if replay is None:
        return render(request, "webinars/replay.html", context)
    visitor = visitor_of(request)
    reel = library.reel(replay)
    context |= {
        "facts": {
            "url": media_url(request, replay, visitor),
            "spans": [
                [span.wall_ms, span.media_ms, span.duration_ms] for span in timeline.spans(reel.chunks)
            ],
        },
        "is_there": bool(reel.chunks),
        "minutes": max(1, round(timeline.duration_s(reel.chunks) / 60)),
        "shown": ShownForm(None, replay),
        "trim": TrimForm(None, replay),
        "chapters": chapters_form(None, replay),
        **_pod(replay),
    } | (filled or {})
    status = 422 if filled else 200
    return remember(render(request, "webinars/replay.html", context, status=status), request, visitor)


def _pod(replay: Replay) -> dict[str, Any]:
    """How far the way to Esup-Pod is, where there is one."""
    if not sending.is_offered():
        return {}
    transfer = PodTransfer.objects.filter(replay=replay).first()
    return {"pod": transfer or "offered", "pod_reason": pod_reason(transfer.reason) if transfer else ""}


@moderator
@require_safe
@never_cache
def replays(request: HttpRequest, meeting: Meeting, pk: int | None = None) -> HttpResponse:
    """One replay, the latest unless another is chosen, and the list of the others."""
    event = livestream_or_404(meeting).event
    replay = _replay_or_404(event, pk) if pk else library.replays_of(event).first()
    return _page(request, meeting, replay)


@moderator
@require_POST
def change(request: HttpRequest, meeting: Meeting, pk: int, part: str) -> HttpResponse:
    """Save one part of the page; the others stay unchanged."""
    replay = _replay_or_404(livestream_or_404(meeting).event, pk)
    if part == "file":
        editing.ask_for_file(replay)
        messages.success(request, _("The video is being prepared. Reload this page in a few minutes."))
        return redirect("webinars:replay", meeting.slug, pk)
    if part == "pod" and sending.is_offered():
        return _send_to_pod(request, meeting, replay)
    forms: dict[str, Any] = {"shown": ShownForm, "trim": TrimForm, "chapters": chapters_form}
    if part not in forms:
        raise Http404
    form = forms[part](request.POST, replay)
    if not form.is_valid():
        return _page(request, meeting, replay, {part: form})
    try:
        if part == "chapters":
            save_chapters(replay, form)
        else:
            form.save()
    except ReplayError as error:
        return _page(
            request, meeting, _replay_or_404(replay.airing.event, pk), {part: form, "refused": error}
        )
    messages.success(request, _("The replay was changed."))
    return redirect("webinars:replay", meeting.slug, pk)


def _send_to_pod(request: HttpRequest, meeting: Meeting, replay: Replay) -> HttpResponse:
    if replay.airing.ended_at is None:
        messages.error(request, _("The live is still on the air."))
    else:
        sending.ask(replay)
        messages.success(request, _("The video is sent to Esup-Pod. Reload this page in a few minutes."))
    return redirect("webinars:replay", meeting.slug, replay.pk)


@moderator
@require_POST
def delete(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Delete a replay and its recordings at once."""
    replay = _replay_or_404(livestream_or_404(meeting).event, pk)
    if replay.airing.ended_at is None:
        messages.error(request, _("The live is still on the air."))
        return redirect("webinars:replay", meeting.slug, pk)
    editing.delete(replay)
    messages.success(request, _("The replay was deleted."))
    return redirect("webinars:replays", meeting.slug)
