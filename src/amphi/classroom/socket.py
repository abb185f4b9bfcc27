"""The page's WebSocket: receives a participant's actions and sends what happens in the room. JSON, one message per frame."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from amphi.classroom.connections import Connection
from amphi.classroom.exceptions import ApiError, RefusedError
from amphi.classroom.rooms import Meeting, Participant
from amphi.classroom.service import Classroom

logger = logging.getLogger(__name__)

Body = dict[str, Any]
Act = Callable[[Classroom, Meeting, Participant, Body], None]
MAX_CLIENT_LENGTH = 64


def _say(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    classroom.say(meeting, str(body.get("text", "")), participant)


def _transcript(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    transcript_id, text = str(body.get("id", "")), str(body.get("text", ""))
    classroom.transcribe(meeting, participant, transcript_id, text, final=bool(body.get("final")))


def _audio(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    mode = body.get("mode")
    if mode in ("none", "listen", "microphone"):
        classroom.set_audio(meeting, participant, mode, muted=bool(body.get("muted")))


def _camera(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    classroom.set_camera(meeting, participant, on=bool(body.get("on")))


def _screen(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    classroom.set_screen(meeting, participant, on=bool(body.get("on")))


def _hand(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    classroom.set_hand(meeting, participant, raised=bool(body.get("raised")))


def _slides(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    document, page = str(body.get("document", "")), body.get("page")
    number = page if isinstance(page, int) else 0
    classroom.show_slide(meeting, participant, document, number, hidden=bool(body.get("hidden")))


def _signal(classroom: Classroom, meeting: Meeting, participant: Participant, body: Body) -> None:
    """Forward a WebRTC description or candidate to one participant of the same meeting."""
    target = meeting.participants.get(str(body.get("to", "")))
    if target is not None and target.present:
        message = {
            "type": "signal",
            "from": participant.user_id,
            "client": participant.client,
            "signal": body.get("signal"),
        }
        classroom.connections.signal(target.user_id, str(body.get("toClient", "")), message)


def _leave(classroom: Classroom, meeting: Meeting, participant: Participant, _body: Body) -> None:
    classroom.leave(meeting, participant)


def _end(classroom: Classroom, meeting: Meeting, participant: Participant, _body: Body) -> None:
    if not participant.moderator:
        raise RefusedError("moderators_only")
    classroom.end(meeting)


def _ping(classroom: Classroom, _meeting: Meeting, participant: Participant, _body: Body) -> None:
    """Answer a page that asks whether anybody hears it."""
    classroom.connections.send(participant.user_id, {"type": "pong"})


ACTS: dict[str, Act] = {
    "ping": _ping,
    "chat": _say,
    "transcript": _transcript,
    "audio": _audio,
    "camera": _camera,
    "screen": _screen,
    "hand": _hand,
    "slides": _slides,
    "signal": _signal,
    "leave": _leave,
    "end": _end,
}


def _act(classroom: Classroom, meeting: Meeting, participant: Participant, text: str) -> None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return
    act = ACTS.get(str(body.get("type"))) if isinstance(body, dict) else None
    if act is None or not participant.present:
        return
    try:
        act(classroom, meeting, participant, body)
    except RefusedError as error:
        reason = {"type": "error", "act": body["type"], "reason": error.reason}
        classroom.connections.send(participant.user_id, reason)


async def _send(websocket: WebSocket, connection: Connection) -> None:
    """Send the queue's messages, then close the socket."""
    with contextlib.suppress(
        WebSocketDisconnect, RuntimeError
    ):  # the page is gone, which the reading side handles
        while (text := await connection.queue.get()) is not None:
            await websocket.send_text(text)
        await websocket.close()


async def _refuse(websocket: WebSocket, key: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(json.dumps({"type": "refused", "key": key}))
        await websocket.close()


async def socket(websocket: WebSocket) -> None:
    """Serve one page: ``/html5client/socket?sessionToken=…&client=…``. `client` identifies this opening of the page."""
    classroom: Classroom = websocket.app.state.classroom
    await websocket.accept()
    session = classroom.rooms.session(websocket.query_params.get("sessionToken", ""))
    if session is None:
        await _refuse(websocket, "sessionNotFound")
        return
    meeting, participant = session
    try:
        client = websocket.query_params.get("client", "")[:MAX_CLIENT_LENGTH]
        connection = classroom.enter(meeting, participant, client)
    except ApiError as error:
        await _refuse(websocket, error.key)
        return
    sender = asyncio.create_task(_send(websocket, connection))
    try:
        while True:
            _act(classroom, meeting, participant, await websocket.receive_text())
    except (WebSocketDisconnect, RuntimeError, KeyError):  # closed by either side, or a frame that isn't text
        logger.debug("socket of %s closed", participant.user_id)
    finally:
        classroom.disconnect(meeting, participant, connection)
        sender.cancel()
