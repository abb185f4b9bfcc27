"""The page by which a gateway's browser enters a webinar's meeting.

SIPMediaGW's gateways open ``https://host/meeting/<meeting>/<key>/<room>``, or ``https://host/g/<room>`` where their configuration
fixes the address before the room. Then they type a name and submit the form, each version in its own way, see
``docs/connect/sipmediagw.md``. The key in the address lets them in, even into restricted webinars, without a login.
"""

import hmac
import re
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from amphi.meetings.models import Meeting
from amphi.pages import access
from amphi.system.typed import clean_line
from amphi.worker import gateways

LONGEST_NAME = 60
TAIL = 10
"""How many characters of the key are in the last part of the address, as in Esup-Pod."""
_ROOM = re.compile(r"webinar-(\d{1,18})-[0-9a-f]+")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _webinar(**lookup: Any) -> Meeting:
    """The webinar; other meetings have no join page, so they answer 404."""
    meeting = Meeting.objects.filter(**lookup, is_webinar=True, livestream__isnull=False).first()
    if meeting is None or not settings.USE_MEETING_WEBINAR:
        raise Http404
    return meeting


def _name(request: HttpRequest, meeting: Meeting) -> str:
    """The typed name, cleaned for display in the meeting; empty when nothing of it may be shown."""
    typed = next((name for name in request.POST.getlist("name") if name.strip()), "")
    name = clean_line(typed)[:LONGEST_NAME]
    # Some gateways type the room as their name, but its last part is a secret.
    return "" if meeting.access_key[-TAIL:] in name else name


def _enter(request: HttpRequest, meeting: Meeting, *, era: str) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        response: HttpResponse = JsonResponse({"running": gateways.entry_url(meeting) is not None})
    elif request.method == "POST":
        name = _name(request, meeting)
        url = gateways.entry_url(meeting, name)
        if url is not None:
            response = HttpResponseRedirect(url)
        else:
            response = render(request, "webinars/join_page_waiting.html", {"meeting": meeting, "name": name})
    else:
        context = {"meeting": meeting, "era": era, "name": settings.MEETING_WEBINAR_STREAMING_USER}
        response = render(request, "webinars/join_page.html", context)
    # The address is a secret, so it must not be sent as a referrer.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.signed
def by_key(request: HttpRequest, slug: str, key: str, room: str) -> HttpResponse:
    """The long form, for gateways that accept ``domain``; `room` ends with the rest of the key."""
    meeting = _webinar(slug=slug)
    if not _same(key + room[-TAIL:], meeting.access_key) or not (
        len(room) == TAIL or _same(room, meeting.room)
    ):
        raise Http404
    return _enter(request, meeting, era="id_name")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.signed
def by_room(request: HttpRequest, room: str) -> HttpResponse:
    """The short form, for gateways whose configuration fixes the address before the room."""
    found = _ROOM.fullmatch(room)
    if found is None:
        raise Http404
    meeting = _webinar(pk=int(found[1]))
    if not _same(room, meeting.room):
        raise Http404
    return _enter(request, meeting, era="joinFormName")
