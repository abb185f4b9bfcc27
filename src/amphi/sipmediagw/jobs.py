"""The dialect of `amphi gateway`: jobs by id, JSON, states with reasons (`docs/architecture.md`)."""

from typing import Any, get_args
from urllib.parse import quote

from amphi.sipmediagw.exceptions import (
    ChatRefusedError,
    GatewayFailedError,
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    NotAGatewayError,
    NotInMeetingError,
    UnknownRoomError,
    UnsupportedError,
)
from amphi.sipmediagw.model import Dialect, JobRef, JobStatus, StartRequest, State
from amphi.sipmediagw.transport import Reply, Transport

STATUS_TIMEOUT_S = 3.0
"""It answers from memory; one that hangs is to be known within a few looks."""
LONGEST_LAYOUT = 20
"""Characters of a layout's name that are kept."""
_NOT_FOUND = 404
_CONFLICT = 409
_STATES: tuple[str, ...] = get_args(State)


class JobGateway:
    """`amphi gateway`."""

    dialect: Dialect = "amphi"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, request: StartRequest) -> JobStatus:
        body = {
            "join_url": request.join_url,
            "rtmp_url": request.rtmp_url,
            "room": request.room,
            "show_chat": request.show_chat,
            "layout": request.layout,
        }
        reply = self._transport.call("PUT", _path(request.job_id), body=body)
        self._check("start", reply)
        return self._status(request.job_id, reply)

    def stop(self, job: JobRef) -> JobStatus:
        reply = self._transport.call("DELETE", _path(job.job_id))
        if reply.status == _NOT_FOUND and "error" in reply.data:
            return JobStatus(state="idle", reason="stopped", detail="the gateway knows no such job")
        self._check("stop", reply)
        if "state" not in reply.data:
            return JobStatus(state="stopping", remote_id=job.job_id)
        return self._status(job.job_id, reply)

    def status(self, job: JobRef) -> JobStatus:
        reply = self._transport.call("GET", _path(job.job_id), timeout_s=STATUS_TIMEOUT_S)
        if reply.status == _NOT_FOUND and "error" in reply.data:
            return JobStatus(state="unknown", reason="no_such_job", detail="the gateway knows no such job")
        self._check("status", reply)
        return self._status(job.job_id, reply)

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        # The author's name stands before the text, so a second line would look like another person's message.
        body = {"text": " ".join(text.split()), "author": " ".join(author.split())}
        reply = self._transport.call("POST", f"{_path(job.job_id)}/chat", body=body)
        self._check_in_meeting("chat", reply)

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- as the protocol has it
        reply = self._transport.call("PUT", f"{_path(job.job_id)}/chat-panel", body={"shown": shown})
        self._check_in_meeting("chat-panel", reply)
        now = reply.data.get("shown")
        if not isinstance(now, bool):
            raise NotAGatewayError("chat-panel: the answer does not say whether the chat is shown")
        return now

    def show_layout(self, job: JobRef, layout: str) -> str:
        reply = self._transport.call("PUT", f"{_path(job.job_id)}/layout", body={"layout": layout})
        if reply.status == _NOT_FOUND and "error" not in reply.data:
            raise UnsupportedError("layout: this gateway is too old to choose slides or cameras")
        self._check_in_meeting("layout", reply)
        return str(reply.data.get("shown") or "")

    def close(self) -> None:
        self._transport.close()

    def _check_in_meeting(self, call: str, reply: Reply) -> None:
        if reply.status == _CONFLICT:
            is_chat = reply.data.get("error") == "chat_refused"
            raise (ChatRefusedError if is_chat else NotInMeetingError)(self._words(call, reply))
        self._check(call, reply)

    def _check(self, call: str, reply: Reply) -> None:
        """Raise the exception for an error of the gateway."""
        words = self._words(call, reply)
        match reply.status:
            case 200 | 201 | 202:
                return
            case 403:
                raise GatewayUnauthorizedError(words)
            case 404 if "error" in reply.data:
                raise UnknownRoomError(words)
            case 404 | 405:
                raise NotAGatewayError(words)
            case 503:
                raise GatewayFullError(words, retry_after_s=reply.retry_after_s)
            case status if status >= 500:  # noqa: PLR2004 -- the server's side begins here
                raise GatewayFailedError(words)
            case _:
                raise GatewayRefusedError(words)

    def _words(self, call: str, reply: Reply) -> str:
        error, detail = reply.data.get("error", ""), reply.data.get("detail", "")
        return self._transport.clean(f"{call}: HTTP status {reply.status} {error}: {detail}")

    def _status(self, job_id: str, reply: Reply) -> JobStatus:
        data = reply.data
        state = data.get("state")
        if state not in _STATES or data.get("job_id", job_id) != job_id:
            raise NotAGatewayError("the answer does not describe this job")
        stats = data.get("stats")
        stats = stats if isinstance(stats, dict) else {}
        shown = data.get("chat_shown")
        return JobStatus(
            state=state,
            reason=str(data.get("reason") or ""),
            detail=self._transport.clean(data.get("detail") or ""),
            remote_id=job_id,
            cpu_cores=_float(stats.get("cpu_cores")),
            frames=_int(stats.get("frames")),
            frames_dropped=_int(stats.get("frames_dropped")),
            chat_shown=shown if isinstance(shown, bool) else None,
            layout=_text(data.get("layout")),
            layout_shown=_text(data.get("layout_shown")) or "",
        )


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _text(value: Any) -> str | None:
    return value[:LONGEST_LAYOUT] if isinstance(value, str) else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _int(value: Any) -> int | None:
    number = _float(value)
    return None if number is None else int(number)
