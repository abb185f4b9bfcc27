"""SIPMediaGW's HTTP API as its versions 1.6 and 1.7 have it, and as Esup-Pod 4.1 speaks it."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from amphi.gateway.addresses import checked_join_url, checked_rtmp_url
from amphi.gateway.bodies import json_object, text_field
from amphi.gateway.exceptions import (
    GatewayFullError,
    InvalidRequestError,
    JobConflictError,
    NotInMeetingError,
    SourceLostError,
    UnknownJobError,
)
from amphi.gateway.job import Job, JobSpec
from amphi.gateway.jobs import Jobs

PATHS = frozenset({"/start", "/stop", "/chat", "/progress"})
RETRY_AFTER_S = 10
MAX_CHAT_CHARACTERS = 5000
_ROOM = re.compile(r"[a-z0-9_-]{1,58}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?")

Handler = Callable[[Request], Awaitable[JSONResponse]]


def _room(value: str | None) -> str:
    if not value:
        raise InvalidRequestError("a room name must be specified")
    if not _ROOM.fullmatch(value):
        raise InvalidRequestError("a room name is 1 to 58 of a-z 0-9 _ -")
    return value


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _job_of(request: Request, room: str) -> Job:
    try:
        return _jobs(request).find(f"room-{room}")
    except UnknownJobError:
        raise InvalidRequestError(f"no running container for room={room}") from None


def _plainly(handler: Handler) -> Handler:
    """Errors as upstream words them: 400 and ``{"Error": …}``."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except (InvalidRequestError, JobConflictError) as error:
            return JSONResponse({"Error": str(error)}, 400)

    return answer


def _success(**details: str) -> JSONResponse:
    return JSONResponse({"status": "success", "details": {"res": "ok", **details}})


async def start(request: Request) -> JSONResponse:
    """``GET /start?room=&domain=&rtmpDst=``: opens ``https://{domain}/{room}``."""
    room = _room(request.query_params.get("room"))
    domain = request.query_params.get("domain", "").rstrip("/")
    rtmp_url = request.query_params.get("rtmpDst", "")
    if not _DOMAIN.fullmatch(domain):
        raise InvalidRequestError("a domain must be specified: HOST[:PORT][/PATH]")
    spec = JobSpec(
        job_id=f"room-{room}",
        join_url=checked_join_url(f"https://{domain}/{room}"),
        rtmp_url=checked_rtmp_url(rtmp_url),
        room=room,
        show_chat=False,
    )
    try:
        _jobs(request).start(spec, replace_idle=True)
    except GatewayFullError:
        # Upstream says "success" and 200 here. Each kind of client finds its own sign: the code, `status`, `details.res`.
        details = {"res": "error", "type": "No free resources found"}
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return JSONResponse({"status": "error", "details": details}, 503, headers)
    return _success(app="streaming", uri=rtmp_url)


async def stop(request: Request) -> JSONResponse:
    """``GET /stop?room=``."""
    room = _room(request.query_params.get("room"))
    job = _job_of(request, room)
    job.stop()
    return JSONResponse({"status": "success", "details": {"res": f"Container {room} Stopping"}})


async def chat(request: Request) -> JSONResponse:
    """``GET /chat?room=&toggle=True`` and ``POST /chat {"room", "msg"}``; ``res`` tells."""
    body = await json_object(request) if request.method == "POST" else dict(request.query_params)
    job = _job_of(request, _room(text_field(body, "room", default="")))
    try:
        if request.method == "POST":
            await job.send_chat(text_field(body, "msg", max_characters=MAX_CHAT_CHARACTERS), author="")
        elif body.get("toggle", "").lower() == "true":
            await job.show_chat(shown=not job.chat_shown)
        else:
            raise InvalidRequestError("toggle must be True")
    except (NotInMeetingError, SourceLostError) as error:
        return JSONResponse({"res": f"error: {error}"})
    return JSONResponse({"res": "ok"})


async def progress(request: Request) -> JSONResponse:
    """``GET /progress?room=``: ``gw_state`` is ``down`` once nothing runs for the room."""
    room = _room(request.query_params.get("room"))
    try:
        job = _jobs(request).find(f"room-{room}")
    except UnknownJobError:
        return JSONResponse({"status": "success", "gw_state": "down"})
    described = job.describe()
    down = {"gw_state": "down"} if described["state"] == "idle" else {}
    return JSONResponse(
        {"status": "success", **down, "job_state": described["state"], "reason": described["reason"]}
    )


ROUTES = [
    Route("/start", _plainly(start)),
    Route("/stop", _plainly(stop)),
    Route("/chat", _plainly(chat), methods=["GET", "POST"]),
    Route("/progress", _plainly(progress)),
]
