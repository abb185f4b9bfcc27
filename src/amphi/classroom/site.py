"""Serves the pages, their scripts and the slides."""

import asyncio
import json

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from amphi.classroom import pages, pdf
from amphi.classroom.exceptions import InvalidDocumentError
from amphi.classroom.rooms import Meeting, Participant
from amphi.classroom.service import Classroom
from amphi.classroom.socket import socket
from amphi.system import vendor

LIBRARIES = {"bootstrap": "bootstrap/dist", "icons": "bootstrap-icons/font"}
LANGUAGE_COOKIE = "classroom_language"
UPLOAD_OVERHEAD_BYTES = 64 * 1024
CLEAN_FLAGS = ("bbb_hide_nav_bar", "bbb_hide_actions_bar", "bbb_hide_controls")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cache-Control": "no-store",
}


def _classroom(request: Request) -> Classroom:
    classroom: Classroom = request.app.state.classroom
    return classroom


def _language(request: Request, override: str = "") -> pages.Language:
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE) or override
    return pages.choose_language(asked, request.headers.get("accept-language", ""))


def _page(template: str, language: pages.Language, /, *, status: int = 200, **fields: str) -> Response:
    return HTMLResponse(
        pages.render(template, language, **fields), status_code=status, headers=SECURITY_HEADERS
    )


def _session(request: Request) -> tuple[Meeting, Participant] | None:
    return _classroom(request).rooms.session(request.query_params.get("sessionToken", ""))


def refusal(request: Request, key: str, status: int = 200) -> Response:
    """A page that says why somebody can't come in."""
    language = _language(request)
    reason = pages.translate(pages.REFUSALS.get(key, "refused_other"), language)
    shown = key if key in pages.REFUSALS else ""
    return _page("refused.html", language, status=status, reason=reason, key=shown)


def is_clean(participant: Participant) -> bool:
    """Whether to use the plain layout for filming: only slides, screen and cameras."""
    request = participant.request
    flags = {name for name in CLEAN_FLAGS if request.userdata.get(name, "").lower() == "true"}
    return (
        request.bot or request.layout == "MEDIA_ONLY" or {"bbb_hide_nav_bar", "bbb_hide_actions_bar"} <= flags
    )


async def room(request: Request) -> Response:
    session = _session(request)
    if session is None:
        return refusal(request, "sessionNotFound", 404)
    meeting, participant = session
    if meeting.ended_at is not None:
        return _page("ended.html", _language(request))
    userdata = participant.request.userdata
    language = _language(request, userdata.get("bbb_override_default_locale", ""))
    settings = {
        "moderator": participant.moderator,
        "clean": is_clean(participant),
        "userdata": userdata,
        "layout": participant.request.layout,
        "muteOnStart": meeting.options.mute_on_start,
        "chatDisabled": meeting.options.chat_disabled,
        "logoutUrl": participant.request.logout_url or meeting.options.logout_url,
        "welcome": meeting.options.welcome,
    }
    return _page(
        "room.html",
        language,
        title=userdata.get("bbb_client_title") or meeting.options.name,
        meeting=meeting.options.name,
        settings=json.dumps(settings),
        view="clean" if settings["clean"] else "full",
    )


async def refused(request: Request) -> Response:
    try:
        errors = json.loads(request.query_params.get("errors", "[]"))
        key = str(errors[0]["key"])
    except (ValueError, RecursionError, LookupError, TypeError):
        key = request.query_params.get("key", "")
    return refusal(request, key)


async def ended(request: Request) -> Response:
    return _page("ended.html", _language(request))


async def home(request: Request) -> Response:
    return _page("home.html", _language(request), version=_classroom(request).config.profile.version)


async def slide(request: Request) -> Response:
    """One page of a document of the session's own meeting."""
    session = _session(request)
    if session is None:
        return Response(status_code=403)
    presentation = session[0].slideshow.presentations.get(request.path_params["document"])
    page = request.path_params["page"]
    if presentation is None or not 1 <= page <= presentation.pages:
        return Response(status_code=404)
    try:
        picture = await asyncio.to_thread(pdf.render_page, presentation.content, page)
    except InvalidDocumentError:
        return Response(status_code=404)
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(picture, media_type="image/png", headers=headers)


async def upload(request: Request) -> Response:
    """A moderator's PDF, as the ``file`` of a multipart form."""
    session = _session(request)
    if session is None or not session[1].present or not session[1].moderator:
        return JSONResponse({"error": "moderators_only"}, status_code=403)
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return JSONResponse({"error": "slides_not_pdf"}, status_code=411)
    if int(length) > pdf.MAX_PDF_BYTES + UPLOAD_OVERHEAD_BYTES:
        return JSONResponse({"error": "slides_too_big"}, status_code=413)
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return JSONResponse({"error": "slides_not_pdf"}, status_code=400)
        name, content = file.filename or "document.pdf", await file.read()
    try:
        await _classroom(request).add_slides(session[0], name[:200], content)
    except InvalidDocumentError as error:
        return JSONResponse({"error": error.reason}, status_code=400)
    return JSONResponse({}, status_code=201)


async def health(request: Request) -> Response:
    meetings = sum(1 for meeting in _classroom(request).rooms if meeting.ended_at is None)
    return JSONResponse({"ok": True, "meetings": meetings})


def routes() -> list[BaseRoute]:
    """All routes except the API's."""
    libraries = [
        Mount(f"/html5client/{name}", StaticFiles(directory=vendor.library(path)))
        for name, path in LIBRARIES.items()
    ]
    return [
        Route("/", home),
        Route("/healthz", health),
        Route("/html5client/", room),
        Route("/html5client/refused", refused),
        Route("/html5client/ended", ended),
        Route("/html5client/slides", upload, methods=["POST"]),
        Route("/html5client/slides/{document}/{page:int}.png", slide),
        WebSocketRoute("/html5client/socket", socket),
        *libraries,
        Mount("/html5client/static", StaticFiles(packages=[("amphi.classroom", "static")])),
    ]
