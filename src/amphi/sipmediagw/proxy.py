"""Dialect D: the proxy in front of SIPMediaGW v1.8, POST JSON, gateways named by `gw_id`.

The `gw_id` that the start returned identifies a stream, since the proxy forgets rooms. It may give one gateway to two webinars, so an
answer with another room is not about ours.
"""

import re
from typing import Any

from amphi.sipmediagw.exceptions import (
    GatewayFailedError,
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    NotAGatewayError,
    NotInMeetingError,
    UnknownRoomError,
    UnsafeRoomNameError,
    UnsupportedError,
)
from amphi.sipmediagw.inert import spoken_by
from amphi.sipmediagw.model import Dialect, JobRef, JobStatus, StartRequest
from amphi.sipmediagw.transport import Reply, Transport

_BROWSING = "bigbluebutton"
_FREE = {"created", "started", "stopped", "deleted", "down"}
# Other 503s are failures: when a gateway refuses, the proxy says “Faild to parse Gateway Json response” (proxy.py, startGateway).
_FULL = "No available gateways"
_ROOM = re.compile(r"[A-Za-z0-9_/-]{5,100}")


class ProxyGateway:
    """A gateway of dialect D."""

    dialect: Dialect = "D"

    def __init__(self, transport: Transport, *, slow_timeout_s: float) -> None:
        self._transport = transport
        self._slow_timeout_s = slow_timeout_s

    def start(self, request: StartRequest) -> JobStatus:
        body = {
            "room": _checked_room(request.room),
            "browsing": _BROWSING,  # the proxy demands this one,
            "browsing_name": _BROWSING,  # and the gateway behind it reads this one
            "main_app": "streaming",
            "rtmp_dst": request.rtmp_url,
        }
        data = self._data("start", self._slowly("/start", body))
        gw_id = data.get("gw_id")
        if not gw_id:
            raise NotAGatewayError("start: the answer names no gateway")
        return JobStatus(state="joining", remote_id=str(gw_id))

    def stop(self, job: JobRef) -> JobStatus:
        """Stop the gateway that streams this webinar, unless it now has another room."""
        stopped = JobStatus(state="idle", reason="stopped", remote_id=job.remote_id)
        if not job.remote_id:
            return stopped
        before = self.status(job)
        if before.state == "unknown":
            return stopped
        try:
            # Also when it is "free": after a single error the proxy says so of a gateway that still streams.
            self._data("stop", self._slowly("/stop", {"gw_id": job.remote_id}))
        except UnknownRoomError:
            return stopped
        except GatewayRefusedError:
            if before.state != "idle":
                raise
        return stopped

    def status(self, job: JobRef) -> JobStatus:
        query = {"gw_id": job.remote_id} if job.remote_id else {"room": _checked_room(job.room)}
        reply = self._transport.call("GET", "/status", query=query)
        try:
            data = self._data("status", reply)
        except UnknownRoomError as error:
            return JobStatus(
                state="unknown", reason="no_such_job", detail=str(error), remote_id=job.remote_id
            )
        gw_id = str(data.get("gw_id") or job.remote_id)
        room = data.get("room")
        if room and room != job.room:
            detail = "that gateway has another room now"
            return JobStatus(state="unknown", reason="no_such_job", detail=detail, remote_id=gw_id)
        state = data.get("gw_state")
        # "started" first meant a free gateway; proxies that report calls use it for a running one.
        running = {"working", "up"} | ({"started"} if room or "call_started" in data else set())
        if state in running:
            return JobStatus(state="on_air", remote_id=gw_id)
        if state in _FREE:
            return JobStatus(state="idle", detail=f"the gateway is {state}", remote_id=gw_id)
        raise NotAGatewayError(self._transport.clean(f"status: unknown gw_state {state!r}"))

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        if not job.remote_id:
            raise UnknownRoomError("chat: no gateway was ever named for this webinar")
        payload = {"command": "sendChat", "param1": spoken_by(author, text)}
        body = {"gw_id": job.remote_id, "payload": payload}
        reply = self._transport.call("POST", "/command", body=body)
        if reply.status == 403:  # noqa: PLR2004 -- what the proxy answers unless the gateway is working
            raise NotInMeetingError(self._words("chat", reply))
        self._data("chat", reply)

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- as the protocol has it
        raise UnsupportedError(f"SIPMediaGW 1.8 can't show or hide the chat ({job.room}, {shown})")

    def show_layout(self, job: JobRef, layout: str) -> str:
        raise UnsupportedError(f"SIPMediaGW 1.8 can't choose slides or cameras ({job.room}, {layout})")

    def close(self) -> None:
        self._transport.close()

    def _slowly(self, path: str, body: dict[str, Any]) -> Reply:
        return self._transport.call("POST", path, body=body, timeout_s=self._slow_timeout_s)

    def _data(self, call: str, reply: Reply) -> dict[str, Any]:
        """The data of a successful answer.

        Raises:
            GatewayError: the answer is an error.
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
            case 503 if _FULL in words:
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


def _checked_room(room: str) -> str:
    """Return the room name if this dialect's menu can type it: it drops some characters, and needs at least five."""
    if not _ROOM.fullmatch(room):
        raise UnsafeRoomNameError("a room name has 5 to 100 characters of A-Z a-z 0-9 _ / -")
    return room
