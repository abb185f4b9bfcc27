"""The JSON API: one job, one name. The contract is in docs/architecture.md."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amphi.gateway.addresses import checked_job_id, checked_join_url, checked_rtmp_url
from amphi.gateway.bodies import choice_field, flag_field, json_object, text_field
from amphi.gateway.exceptions import (
    ChatRefusedError,
    GatewayError,
    GatewayFullError,
    InvalidRequestError,
    JobConflictError,
    NotInMeetingError,
    SourceLostError,
    UnknownJobError,
)
from amphi.gateway.job import JobSpec
from amphi.gateway.jobs import Jobs
from amphi.gateway.layouts import Layout
from amphi.gateway.measures import Measures
from amphi.system import metrics

if TYPE_CHECKING:
    from amphi.gateway.config import Config

RETRY_AFTER_S = 10
MAX_CHAT_CHARACTERS = 5000
_ERRORS: dict[type[GatewayError], tuple[int, str]] = {
    InvalidRequestError: (400, "invalid_request"),
    UnknownJobError: (404, "unknown_job"),
    JobConflictError: (409, "conflict"),
    NotInMeetingError: (409, "not_in_meeting"),
    ChatRefusedError: (409, "chat_refused"),
    SourceLostError: (409, "not_in_meeting"),
    GatewayFullError: (503, "full"),
}


async def error_response(_: Request, error: Exception) -> JSONResponse:
    status, code = _ERRORS.get(type(error), (500, "failed"))  # type: ignore[arg-type]
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None  # noqa: PLR2004 -- service unavailable
    return JSONResponse({"error": code, "detail": str(error)}, status, headers)


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


async def put_job(request: Request) -> JSONResponse:
    body = await json_object(request)
    config: Config = request.app.state.config
    spec = JobSpec(
        job_id=checked_job_id(request.path_params["job_id"]),
        join_url=checked_join_url(text_field(body, "join_url"), config.join_hosts),
        rtmp_url=checked_rtmp_url(text_field(body, "rtmp_url"), config.rtmp_hosts),
        room=text_field(body, "room", default="", max_characters=256),
        show_chat=flag_field(body, "show_chat", default=False),
        layout=choice_field(body, "layout", Layout, default=Layout.SLIDES_AND_CAMERAS),
    )
    job, is_new = _jobs(request).start(spec)
    return JSONResponse(job.describe(), 201 if is_new else 200)


async def get_job(request: Request) -> JSONResponse:
    return JSONResponse(_jobs(request).find(request.path_params["job_id"]).describe())


async def delete_job(request: Request) -> JSONResponse:
    job = _jobs(request).find(request.path_params["job_id"])
    job.stop()
    return JSONResponse(job.describe(), 202)


async def post_chat(request: Request) -> JSONResponse:
    job = _jobs(request).find(request.path_params["job_id"])
    body = await json_object(request)
    text = text_field(body, "text", max_characters=MAX_CHAT_CHARACTERS)
    author = text_field(body, "author", default="", max_characters=256)
    await job.send_chat(text, author=author)
    return JSONResponse({}, 202)


async def put_chat_panel(request: Request) -> JSONResponse:
    job = _jobs(request).find(request.path_params["job_id"])
    shown = flag_field(await json_object(request), "shown")
    return JSONResponse({"shown": await job.show_chat(shown=shown)})


async def put_layout(request: Request) -> JSONResponse:
    job = _jobs(request).find(request.path_params["job_id"])
    layout = choice_field(await json_object(request), "layout", Layout)
    return JSONResponse({"layout": layout, "shown": await job.show_layout(layout)})


async def list_jobs(request: Request) -> JSONResponse:
    jobs = _jobs(request)
    return JSONResponse({"jobs": [job.describe() for job in jobs.all()], "max_jobs": jobs.max_jobs})


async def healthz(request: Request) -> JSONResponse:
    jobs = _jobs(request)
    return JSONResponse(
        {"ok": True, "jobs": len(jobs.active()), "max_jobs": jobs.max_jobs, "version": version("amphi")}
    )


async def figures(request: Request) -> Response:
    said = metrics.text(Measures(_jobs(request)), metrics.PROCESS)
    return Response(said, headers={"Content-Type": metrics.CONTENT_TYPE})


ROUTES = [
    Route("/healthz", healthz),
    Route(metrics.PATH, figures),
    Route("/jobs", list_jobs),
    Route("/jobs/{job_id}", put_job, methods=["PUT"]),
    Route("/jobs/{job_id}", get_job),
    Route("/jobs/{job_id}", delete_job, methods=["DELETE"]),
    Route("/jobs/{job_id}/chat", post_chat, methods=["POST"]),
    Route("/jobs/{job_id}/chat-panel", put_chat_panel, methods=["PUT"]),
    Route("/jobs/{job_id}/layout", put_layout, methods=["PUT"]),
]
