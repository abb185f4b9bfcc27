"""The API that the proxy of SIPMediaGW 1.8 calls at a gateway, which it names by ``gw_id``.

Fields and status codes are those of ``HTTPLauncher.py`` and ``deploy/proxyAPI/proxy.py`` in https://github.com/Renater/SIPMediaGW.
A room is joined below a configured prefix, so callers can't send the browser elsewhere, and no text reaches a shell.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from amphi.gateway.addresses import checked_gw_id, checked_rtmp_url, is_host_among
from amphi.gateway.bodies import json_object
from amphi.gateway.chat import one_line
from amphi.gateway.config import Config
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
from amphi.gateway.job_state import State
from amphi.gateway.jobs import Jobs

PATHS = frozenset({"/gateway/start", "/gateway/stop", "/gateway/status", "/gateway/command"})
RETRY_AFTER_S = 10
STOP_PATIENCE_S = 10
"""How long to wait for a stop, in seconds. It usually takes one or two, and the proxy waits for it."""

MAX_CHAT_CHARACTERS = 5000
MAX_NAME_CHARACTERS = 60
_ROOM = re.compile(r"[A-Za-z0-9_/-]{5,100}")

Handler = Callable[[Request], Awaitable[JSONResponse]]


class InvalidInputError(Exception):
    """A field of the request is wrong; answered with 422.

    Args:
        field: ``body`` or ``query``, then the field's name.
        kind: pydantic's name of the error, as in FastAPI's answers.
        said: the message for the caller. Never contains the value, which may be an address with a key.
    """

    def __init__(self, *field: str, kind: str, said: str) -> None:
        super().__init__(said)
        self.error = {"type": kind, "loc": list(field), "msg": said}


class RefusedError(Exception):
    """The request can't be carried out now.

    Args:
        status: the HTTP status of the answer.
        detail: the message for the caller.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def refusal(code: int, detail: str) -> dict[str, object]:
    """The body of an error, in upstream's form."""
    return {"status": "error", "error": {"code": code, "detail": detail}, "data": None}


def _success(**data: object) -> JSONResponse:
    return JSONResponse({"status": "success", "error": None, "data": data})


def _plainly(handler: Handler) -> Handler:
    async def answer(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except InvalidInputError as error:
            body = {"status": "error", "error": "Invalid input", "message": [error.error]}
            return JSONResponse(body, 422)
        except RefusedError as error:
            full = error.status == 503  # noqa: PLR2004 -- service unavailable
            headers = {"Retry-After": str(RETRY_AFTER_S)} if full else None
            return JSONResponse(refusal(error.status, str(error)), error.status, headers)

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await json_object(request)
    except InvalidRequestError as error:
        raise InvalidInputError("body", kind="json_invalid", said=str(error)) from None


def _text(source: Any, name: str, *, where: str = "body", default: str | None = None) -> str:
    """A text field of `source`. An optional one may be null, as in pydantic."""
    value = source.get(name)
    if value is None and default is not None:
        return default
    if value is None:
        raise InvalidInputError(where, name, kind="missing", said="Field required")
    if not isinstance(value, str):
        raise InvalidInputError(where, name, kind="string_type", said="Input should be a valid string")
    return value


def _gw_id(source: Any, *, where: str = "body") -> str:
    try:
        return checked_gw_id(_text(source, "gw_id", where=where))
    except InvalidRequestError as error:
        raise InvalidInputError(where, "gw_id", kind="value_error", said=str(error)) from None


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _config(request: Request) -> Config:
    config: Config = request.app.state.config
    return config


def job_id_of(gw_id: str) -> str:
    return f"gw-{gw_id}"


def _job_of(request: Request, gw_id: str) -> Job | None:
    try:
        return _jobs(request).find(job_id_of(gw_id))
    except UnknownJobError:
        return None


def _spec(body: dict[str, Any], config: Config) -> JobSpec:
    room, gw_id, main_app = _text(body, "room"), _gw_id(body), _text(body, "main_app")
    if not _ROOM.fullmatch(room):
        said = "a room name is 5 to 100 of A-Z a-z 0-9 _ / -"
        raise InvalidInputError("body", "room", kind="value_error", said=said)
    if main_app != "streaming":
        said = "this gateway knows the main_app streaming only"
        raise InvalidInputError("body", "main_app", kind="value_error", said=said)
    _text(body, "browsing_name", default="")  # every page that this gateway knows is recognised by itself
    try:
        rtmp_url = checked_rtmp_url(_text(body, "rtmp_dst", default=""))
    except InvalidRequestError:
        said = "must be an address of rtmp or rtmps: this gateway has none of its own"
        raise InvalidInputError("body", "rtmp_dst", kind="value_error", said=said) from None
    if not is_host_among(rtmp_url, config.rtmp_hosts):
        said = "must be of a host that this gateway's settings allow"
        raise InvalidInputError("body", "rtmp_dst", kind="value_error", said=said)
    # The chat stays as the page shows it.
    return JobSpec(job_id_of(gw_id), f"{config.join_prefix}/{room}", rtmp_url, room, show_chat=None)


async def start(request: Request) -> JSONResponse:
    """``POST /gateway/start {room, gw_id, main_app, rtmp_dst, browsing_name}``."""
    body = await _body(request)
    spec = _spec(body, _config(request))
    if not _config(request).join_prefix:
        raise RefusedError(500, "AMPHI_GATEWAY_JOIN_PREFIX is not set: rooms have no address")
    await _jobs(request).settle(spec.job_id)
    try:
        _jobs(request).start(spec, replace_idle=True)
    except JobConflictError:
        raise RefusedError(409, "this gateway is working for another room") from None
    except GatewayFullError:
        raise RefusedError(503, "No free resources found") from None
    return _success(processing_state="working", gw_id=body["gw_id"])


async def stop(request: Request) -> JSONResponse:
    """``POST /gateway/stop {gw_id, force}``. `force` changes nothing: every stop is as quick as upstream's forced one."""
    gw_id = _gw_id(await _body(request))
    job = _job_of(request, gw_id)
    if job is None:
        raise RefusedError(404, f"no running container for gw_id={gw_id}")
    job.stop()
    try:
        async with asyncio.timeout(STOP_PATIENCE_S):
            await job.ended()
    except TimeoutError:
        return _success(processing_state="stopping", gw_id=gw_id)
    return _success(processing_state="stopped", gw_id=gw_id)


async def status(request: Request) -> JSONResponse:
    """``GET /gateway/status?gw_id=``: ``up`` until the job has ended completely, so that nobody gets its place before."""
    gw_id = _gw_id(request.query_params, where="query")
    job = _job_of(request, gw_id)
    proxy = _config(request).proxy
    if job is None and (proxy is None or gw_id not in proxy.gw_ids):
        raise RefusedError(404, "Gateway not found")
    if job is None or job.status.state is State.IDLE:
        reason = {"reason": job.status.reason} if job else {}
        return _success(gw_state="down", gw_id=gw_id, room=None, browsing=None, **reason)
    state = job.status.public_state
    streaming = {"streaming_duration": _duration(job)} if state == "on_air" else {}
    return _success(
        gw_state="up", gw_id=gw_id, room=job.spec.room, job_state=state, reason=job.status.reason, **streaming
    )


def _duration(job: Job) -> str:
    seconds = int((datetime.now(UTC) - job.status.since).total_seconds())
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


async def command(request: Request) -> JSONResponse:
    """``POST /gateway/command``, ``gw_id`` in the body or the query: sendChat, endCall, displayName."""
    body = await _body(request)
    gw_id = _gw_id(body) if body.get("gw_id") is not None else _gw_id(request.query_params, where="query")
    payload = body.get("payload")
    if not isinstance(payload, dict):
        raise InvalidInputError(
            "body", "payload", kind="dict_type", said="Input should be a valid dictionary"
        )
    name = _text(payload, "command", where="payload")
    job = _job_of(request, gw_id)
    if job is None or job.status.is_ending:
        raise RefusedError(403, f"Gateway '{gw_id}' is stopped, cannot send commands")
    match name:
        case "sendChat":
            await _send_chat(job, payload)
        case "endCall":
            job.stop()
        case "displayName":
            _name(job, payload)
        case _:
            raise RefusedError(501, "this gateway knows sendChat, endCall and displayName only")
    return _success(ack=True, received=payload)


def _param(payload: dict[str, Any], max_characters: int) -> str:
    text = one_line(_text(payload, "param1", where="payload"))
    if not 0 < len(text) <= max_characters:
        said = f"must be a text of 1 to {max_characters} characters"
        raise InvalidInputError("payload", "param1", kind="value_error", said=said)
    return text


async def _send_chat(job: Job, payload: dict[str, Any]) -> None:
    try:
        await job.send_chat(_param(payload, MAX_CHAT_CHARACTERS), author="")
    except (ChatRefusedError, NotInMeetingError, SourceLostError) as error:
        raise RefusedError(403, str(error)) from None


def _name(job: Job, payload: dict[str, Any]) -> None:
    if job.status.in_meeting:
        raise RefusedError(409, "the bot is in the meeting and has its name already")
    job.name = _param(payload, MAX_NAME_CHARACTERS)


ROUTES = [
    Route("/gateway/start", _plainly(start), methods=["POST"]),
    Route("/gateway/stop", _plainly(stop), methods=["POST"]),
    Route("/gateway/status", _plainly(status)),
    Route("/gateway/command", _plainly(command), methods=["POST"]),
]
