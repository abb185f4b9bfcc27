"""The HTTP API of SIPMediaGW 1.6 and 1.7, as Esup-Pod 4.1 uses it.

Pod (https://github.com/EsupPortail/Esup-Pod, pod/meeting/webinar.py) reads ``status`` and then ``details`` in every answer to start and
stop, and ``res`` in every answer to chat, errors included. Any ``res`` that contains the letters "ok" is a success for Pod.
"""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from amphi.gateway.addresses import checked_join_url, checked_rtmp_url
from amphi.gateway.bodies import json_object, text_field
from amphi.gateway.chat import Allowance, one_line
from amphi.gateway.exceptions import (
    ChatRefusedError,
    GatewayFullError,
    InvalidRequestError,
    JobConflictError,
    NotInMeetingError,
    SourceLostError,
    UnknownJobError,
)
from amphi.gateway.job import Job, JobSpec
from amphi.gateway.jobs import Jobs

if TYPE_CHECKING:
    from amphi.gateway.config import Config

PATHS = frozenset({"/start", "/stop", "/chat", "/progress"})
RETRY_AFTER_S = 10
MAX_CHAT_CHARACTERS = 5000
ANONYMOUS = "anonymous"
POD_CHAT_CHARACTERS = 500
"""Longer than Pod's messages: its listeners may write 100 characters, and Pod adds their names."""

POD_CHAT_PER_S, POD_CHAT_BURST = 2, 10
"""Messages per second, and at once, for each room: no more than people can read."""

_ROOM = re.compile(r"[a-z0-9_-]{1,58}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?")

FULL = "every place of the streaming gateway is taken: try again when another webinar has ended"
NO_MESSAGE = "message missing or not readable"
NOT_IN_MEETING = "the bot is not in the meeting now"
CHAT_REFUSED = "the chat refused the message"
NOT_ON_AIR = "this room is not on air"
TOO_FAST = "more messages than a meeting can read"


class PodChat:
    """Limits the messages of callers without a token, for each room on air."""

    def __init__(self) -> None:
        self._allowances: dict[str, Allowance] = {}

    def take(self, room: str, on_air: set[str]) -> bool:
        """Whether one more message may go to `room`. Forgets rooms that are no longer in `on_air`."""
        self._allowances = {name: kept for name, kept in self._allowances.items() if name in on_air}
        allowance = self._allowances.setdefault(room, Allowance(per_s=POD_CHAT_PER_S, burst=POD_CHAT_BURST))
        return allowance.take()


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
        # A room's name may contain the letters "ok", see `refusal`.
        named = "" if request.url.path == "/chat" else f" for room={room}"
        raise InvalidRequestError(f"no running container{named}") from None


def refusal(path: str, message: str) -> dict[str, object]:
    """The body of an error for `path`. For chat, `message` must not contain the letters "ok", which Pod takes for success."""
    if path == "/chat":
        return {"Error": message, "res": f"error: {message}"}
    if path in {"/start", "/stop"}:
        return {"Error": message, "status": "error", "details": message}
    return {"Error": message}


def _plainly(handler: Handler) -> Handler:
    """Answer errors as upstream does, with 400 and ``{"Error": …}``, and also in the fields that Pod reads."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except (InvalidRequestError, JobConflictError) as error:
            return JSONResponse(refusal(request.url.path, str(error)), 400)

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
    config: Config = request.app.state.config
    spec = JobSpec(
        job_id=f"room-{room}",
        join_url=checked_join_url(f"https://{domain}/{room}", config.join_hosts),
        rtmp_url=checked_rtmp_url(rtmp_url, config.rtmp_hosts),
        room=room,
        show_chat=None,  # leave it as the page shows it: callers of this dialect toggle it from there
    )
    await _jobs(request).settle(spec.job_id)
    try:
        _jobs(request).start(spec, replace_idle=True)
    except GatewayFullError:
        # Upstream answers 200 and "success" here, with an object in `details`, which Pod would show to its user. So `details` is a
        # sentence for people; programs can read `status`, and `type` with upstream's own text.
        said = {"status": "error", "details": FULL, "res": "error", "type": "No free resources found"}
        return JSONResponse(said, 503, {"Retry-After": str(RETRY_AFTER_S)})
    return _success(app="streaming", uri=rtmp_url)


async def stop(request: Request) -> JSONResponse:
    """``GET /stop?room=``."""
    room = _room(request.query_params.get("room"))
    job = _job_of(request, room)
    job.stop()
    return JSONResponse({"status": "success", "details": {"res": f"Container {room} Stopping"}})


async def chat(request: Request) -> JSONResponse:
    """``GET /chat?room=&toggle=True`` and ``POST /chat {"room", "msg"}``; the result is in ``res``."""
    if request.method == "POST":
        return await _post_chat(request)
    job = _job_of(request, _room(request.query_params.get("room")))
    if request.query_params.get("toggle", "").lower() != "true":
        raise InvalidRequestError("toggle parameter is expected")
    return await _said(job.toggle_chat())


async def _post_chat(request: Request) -> JSONResponse:
    body = await json_object(request)
    room = _room(text_field(body, "room", default=""))
    is_of_pod = getattr(request.state, ANONYMOUS, False)
    message = body.get("msg")
    text = one_line(message) if isinstance(message, str) else ""
    if not 0 < len(text) <= (POD_CHAT_CHARACTERS if is_of_pod else MAX_CHAT_CHARACTERS):
        raise InvalidRequestError(NO_MESSAGE)
    if is_of_pod:
        on_air = {job.spec.room for job in _jobs(request).active() if job.status.public_state == "on_air"}
        pod_chat: PodChat = request.app.state.pod_chat
        if room not in on_air:
            return JSONResponse(refusal("/chat", NOT_ON_AIR), 409)
        if not pod_chat.take(room, on_air):
            return JSONResponse(refusal("/chat", TOO_FAST), 429, {"Retry-After": "1"})
    return await _said(_job_of(request, room).send_chat(text, author=""))


async def _said(work: Awaitable[object]) -> JSONResponse:
    try:
        await work
    except (NotInMeetingError, SourceLostError):
        return JSONResponse({"res": f"error: {NOT_IN_MEETING}"})
    except ChatRefusedError:
        return JSONResponse({"res": f"error: {CHAT_REFUSED}"})
    return JSONResponse({"res": "ok"})


async def progress(request: Request) -> JSONResponse:
    """``GET /progress?room=``: ``gw_state`` is ``down`` when no job runs for the room."""
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
