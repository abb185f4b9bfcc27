"""Dialect D: the proxy in front of SIPMediaGW v1.8, POST JSON, gateways named by `gw_id`.

A stream is watched and stopped by the `gw_id` that its start returned: the proxy forgets rooms, and may give one gateway to two
webinars, so an answer that names another room is not about ours.
"""

from typing import Any

from amphi.sipmediagw.exceptions import (
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

_QUICK_S = 10.0
_BROWSING = "bigbluebutton"


class ProxyGateway:
    """A gateway of dialect D."""

    dialect: Dialect = "D"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, request: StartRequest) -> JobStatus:
        body = {
            "room": checked_room(request.room),
            "browsing": _BROWSING,  # the proxy demands this one,
            "browsing_name": _BROWSING,  # and the gateway behind it reads this one
            "main_app": "streaming",
            "rtmp_dst": request.rtmp_url,
        }
        data = self._data("start", self._transport.call("POST", "/start", body=body))
        gw_id = data.get("gw_id")
        if not gw_id:
            raise NotAGatewayError("start: the answer names no gateway")
        return JobStatus(state="joining", remote_id=str(gw_id))

    def stop(self, job: JobRef) -> JobStatus:
        gw_id = job.remote_id
        if not gw_id:
            return JobStatus(state="idle", reason="stopped", detail="no gateway was ever named for it")
        try:
            if self.status(job).state in {"idle", "unknown"}:
                return JobStatus(state="idle", reason="stopped", remote_id=gw_id)
            self._data("stop", self._transport.call("POST", "/stop", body={"gw_id": gw_id}))
        except UnknownRoomError as error:
            return JobStatus(state="idle", reason="stopped", detail=str(error), remote_id=gw_id)
        return JobStatus(state="idle", reason="stopped", remote_id=gw_id)

    def status(self, job: JobRef) -> JobStatus:
        query = {"gw_id": job.remote_id} if job.remote_id else {"room": checked_room(job.room)}
        try:
            data = self._data(
                "status", self._transport.call("GET", "/status", query=query, timeout_s=_QUICK_S)
            )
        except UnknownRoomError as error:
            return JobStatus(
                state="unknown", reason="no_such_job", detail=str(error), remote_id=job.remote_id
            )
        gw_id = str(data.get("gw_id") or job.remote_id)
        room = data.get("room")
        if room and room != job.room:
            return JobStatus(
                state="unknown",
                reason="no_such_job",
                detail="that gateway has another room now",
                remote_id=gw_id,
            )
        match data.get("gw_state"):
            case "working" | "up":
                return JobStatus(state="on_air", remote_id=gw_id)
            case "started" | "stopped" | "down":
                return JobStatus(state="idle", detail="the gateway streams nothing", remote_id=gw_id)
            case other:
                raise NotAGatewayError(self._transport.clean(f"status: unknown gw_state {other!r}"))

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        if not job.remote_id:
            raise UnknownRoomError("chat: no gateway was ever named for this webinar")
        payload = {"command": "sendChat", "param1": spoken_by(author, text)}
        body = {"gw_id": job.remote_id, "payload": payload}
        reply = self._transport.call("POST", "/command", body=body, timeout_s=_QUICK_S)
        if reply.status == 403:  # noqa: PLR2004 -- what the proxy answers unless the gateway is working
            raise NotInMeetingError(self._words("chat", reply))
        self._data("chat", reply)

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- as the protocol has it
        raise UnsupportedError(f"SIPMediaGW 1.8 can't show or hide the chat ({job.room}, {shown})")

    def close(self) -> None:
        self._transport.close()

    def _data(self, call: str, reply: Reply) -> dict[str, Any]:
        """The data of an answer that means success.

        Raises:
            GatewayError: it means an error.
        """
        words = self._words(call, reply)
        match reply.status:
            case 200 | 201 | 202:
                pass
            case 403:
                raise GatewayUnauthorizedError(words)
            case 404 if reply.data:
                raise UnknownRoomError(words)
            case 404 | 405:
                raise NotAGatewayError(words)
            case 503:
                raise GatewayFullError(words, retry_after_s=reply.retry_after_s)
            case status if status >= 500:  # noqa: PLR2004 -- the server's side begins here
                raise GatewayFailedError(words)
            case _:
                raise GatewayRefusedError(words)
        return self._successful(call, reply, words)

    def _successful(self, call: str, reply: Reply, words: str) -> dict[str, Any]:
        if reply.data.get("status") != "success":
            kind = GatewayRefusedError if reply.data.get("status") == "error" else NotAGatewayError
            raise kind(words)
        data = reply.data.get("data")
        data = data if isinstance(data, dict) else {}
        if data.get("res") == "error":
            raise GatewayRefusedError(self._transport.clean(f"{call}: {data.get('type')}"))
        return data

    def _words(self, call: str, reply: Reply) -> str:
        error = reply.data.get("error")
        said = error.get("detail", "") if isinstance(error, dict) else error or reply.data.get("detail", "")
        return self._transport.clean(f"{call}: HTTP status {reply.status}: {said}")
