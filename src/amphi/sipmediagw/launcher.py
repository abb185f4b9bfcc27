"""Dialects A (SIPMediaGW v1.5) and B (v1.6 and v1.7): GET on a launcher of containers.

A answers ``{"res": …}`` and B ``{"status": …, "details": {"res": …}}``. Both answer HTTP 200 even when they fail, and B says
``status`` "success" when it is full. So only ``res`` counts.
"""

from typing import Any

from amphi.sipmediagw.exceptions import (
    GatewayError,
    GatewayFailedError,
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    NotAGatewayError,
    NotInMeetingError,
    UnknownRoomError,
    UnsupportedError,
)
from amphi.sipmediagw.inert import spoken_by
from amphi.sipmediagw.model import Dialect, JobRef, JobStatus, StartRequest, checked_room
from amphi.sipmediagw.transport import Reply, Transport

_NOT_FOUND = 404
_UNREPORTED = "this gateway does not report on its streams: only the pictures tell"
_SLOW = "failed to launch"


class LauncherGateway:
    """A gateway of dialect A or B."""

    def __init__(self, transport: Transport, dialect: Dialect, *, slow_timeout_s: float) -> None:
        self._transport = transport
        self._slow_timeout_s = slow_timeout_s
        self.dialect = dialect

    def start(self, request: StartRequest) -> JobStatus:
        """Start the container of this room, once.

        After 10 s the script answers that the gateway failed to launch, although it is still starting (``SIPMediaGW.sh``,
        ``checkGwStatus``). A second start would kill it, so that answer means “not yet”.
        """
        query = {"room": checked_room(request.room), "domain": request.domain, "rtmpDst": request.rtmp_url}
        reply = self._slowly("/start", query)
        try:
            meaning = self._meaning("start", reply)
        except GatewayRefusedError as error:
            if _SLOW not in str(error):
                raise
            return JobStatus(
                state="joining", detail=str(error), remote_id=request.room, chat_shown=False, reported=False
            )
        if meaning.get("res") != "ok":
            raise GatewayRefusedError(self._words("start", meaning))
        return JobStatus(state="joining", remote_id=request.room, chat_shown=False, reported=False)

    def stop(self, job: JobRef) -> JobStatus:
        query = {"room": checked_room(job.room)}
        try:
            meaning = self._meaning("stop", self._slowly("/stop", query))
        except UnknownRoomError as error:
            return JobStatus(state="idle", reason="stopped", detail=str(error), remote_id=job.room)
        said = str(meaning.get("res", "")).lower()
        done = "stopping" not in said or "stopped" in said or "removed" in said
        return JobStatus(
            state="idle" if done else "stopping",
            reason="stopped",
            detail=self._words("stop", meaning),
            remote_id=job.room,
        )

    def status(self, job: JobRef) -> JobStatus:
        """The status by `/progress` (v1.7), which has ``gw_state`` only when the container is down.

        Without `/progress`, the stream is assumed to be as it was last requested, and `reported` is false.
        """
        query = {"room": checked_room(job.room)}
        reply = self._transport.call("GET", "/progress", query=query)
        if reply.status == _NOT_FOUND and not reply.data:
            return JobStatus(state="on_air", detail=_UNREPORTED, remote_id=job.room, reported=False)
        if reply.status == _NOT_FOUND:
            raise GatewayFailedError(self._transport.clean(f"progress: {_error(reply.data)}"))
        try:
            meaning = self._meaning("progress", reply)
        except UnknownRoomError as error:
            return JobStatus(state="unknown", reason="no_such_job", detail=str(error))
        if meaning.get("gw_state") in {"down", "stopped"}:
            return JobStatus(state="idle", detail="the gateway is down", remote_id=job.room)
        return JobStatus(state="on_air", remote_id=job.room)

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        body = {"room": checked_room(job.room), "msg": spoken_by(author, text)}
        self._expect_ok("chat", self._transport.call("POST", "/chat", body=body))

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- as the protocol has it
        """Toggle the chat if it is not yet as requested: this dialect can only toggle."""
        if shown == job.chat_shown:
            return shown
        query = {"room": checked_room(job.room), "toggle": "True"}
        self._expect_ok("chat toggle", self._transport.call("GET", "/chat", query=query))
        return shown

    def show_layout(self, job: JobRef, layout: str) -> str:
        raise UnsupportedError(f"SIPMediaGW can't choose slides or cameras ({job.room}, {layout})")

    def close(self) -> None:
        self._transport.close()

    def _slowly(self, path: str, query: dict[str, str]) -> Reply:
        return self._transport.call("GET", path, query=query, timeout_s=self._slow_timeout_s)

    def _expect_ok(self, call: str, reply: Reply) -> None:
        """Raise unless `res` means success. Any other text means that the browser was not reached; it may be there later."""
        meaning = self._meaning(call, reply)
        if meaning.get("res") != "ok":
            raise NotInMeetingError(self._words(call, meaning))

    def _meaning(self, call: str, reply: Reply) -> dict[str, Any]:
        """The part of the answer that has the result.

        Raises:
            GatewayError: the result is an error.
        """
        details = reply.data.get("details")
        meaning = details if isinstance(details, dict) else reply.data
        error = _error(reply.data) or _error(meaning)
        if error:
            raise self._failure(call, error, reply)
        if reply.status >= 500:  # noqa: PLR2004 -- the server's side begins here
            raise GatewayFailedError(f"{call}: HTTP status {reply.status}")
        if not 200 <= reply.status < 300:  # noqa: PLR2004 -- HTTP's successes
            raise GatewayRefusedError(f"{call}: HTTP status {reply.status}")
        if "res" not in meaning and "status" not in reply.data:
            raise NotAGatewayError(f"{call}: the answer says neither res nor status")
        return meaning

    def _failure(self, call: str, error: str, reply: Reply) -> GatewayError:
        words = self._transport.clean(f"{call}: HTTP status {reply.status}: {error}")
        said = error.lower()
        if "authorization" in said:
            return GatewayUnauthorizedError(words)
        if "no free resources" in said:
            return GatewayFullError(words, retry_after_s=reply.retry_after_s)
        if "no running container" in said:
            return UnknownRoomError(words)
        if reply.status >= 500:  # noqa: PLR2004 -- as above
            return GatewayFailedError(words)
        return GatewayRefusedError(words)

    def _words(self, call: str, meaning: dict[str, Any]) -> str:
        return self._transport.clean(f"{call}: {meaning.get('res', '')}")


def _error(source: dict[str, Any]) -> str:
    """The error text in an object of the answer, in either of upstream's two forms."""
    if source.get("Error"):
        return str(source["Error"])
    if source.get("res") == "error":
        return str(source.get("type") or "error")
    if source.get("status") == "error":
        return str(source.get("details") or source.get("error") or "error")
    return ""
