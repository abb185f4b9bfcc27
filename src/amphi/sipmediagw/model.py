"""Requests to a gateway and its answers, the same for every dialect."""

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

from amphi.sipmediagw.exceptions import UnsafeRoomNameError

State = Literal["joining", "on_air", "recovering", "stopping", "idle", "unknown"]
Dialect = Literal["amphi", "A", "B", "D"]

_ROOM = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A webinar to stream.

    Attributes:
        job_id: our id; in ``amphi``, two requests with one id are one job.
        room: the last part of the join page's address.
        rtmp_url: where picture and sound go; contains a key, so it is not shown.
        join_url: the address into the meeting; only for ``amphi``.
        domain: the join page's address before the room, without its scheme; only for A and B.
        show_chat: the chat is part of the picture; only for ``amphi``.
        layout: what else is: ``slides_and_cameras``, ``slides`` or ``cameras``; only for ``amphi``.
    """

    job_id: str
    room: str
    rtmp_url: str = field(repr=False)
    join_url: str = field(default="", repr=False)
    domain: str = field(default="", repr=False)
    show_chat: bool = False
    layout: str = "slides_and_cameras"


@dataclass(frozen=True, slots=True)
class JobRef:
    """A webinar that was started.

    Attributes:
        job_id: that of its `StartRequest`.
        room: that of its `StartRequest`.
        remote_id: as returned by `Gateway.start`; the `gw_id` of D.
        chat_shown: as last confirmed; a stream begins without the chat. A and B can only toggle it, so they need to know.
    """

    job_id: str
    room: str
    remote_id: str = ""
    chat_shown: bool = False


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A gateway's answer about one webinar.

    Attributes:
        state: ``unknown``: the gateway does not know the webinar; after a restart of the gateway it must be started again.
        reason: a code; empty while all is well.
        detail: one English sentence for the log.
        remote_id: keep it for `JobRef`.
        reported: the gateway reports its real state. A and early B can't, so `state` is what was last requested, and only the
            pictures tell more.
        layout: what the picture is to have, of slides and cameras; None where the gateway can't choose.
        layout_shown: what it has; empty where that can't be told.
    """

    state: State
    reason: str = ""
    detail: str = ""
    remote_id: str = ""
    cpu_cores: float | None = None
    frames: int | None = None
    frames_dropped: int | None = None
    chat_shown: bool | None = None
    reported: bool = True
    layout: str | None = None
    layout_shown: str = ""


class Gateway(Protocol):
    """A gateway of any dialect. Every call ends within its time limit, and raises a `GatewayError` on failure."""

    dialect: Dialect

    def start(self, request: StartRequest) -> JobStatus:
        """Send a browser into the meeting, and picture and sound to the RTMP address.

        Raises:
            GatewayFullError: every place is taken.
            GatewayRefusedError: it refused.
        """

    def stop(self, job: JobRef) -> JobStatus:
        """Stop a stream. Succeeds if the gateway does not know the webinar, so it may be called twice."""

    def status(self, job: JobRef) -> JobStatus:
        """The status of a webinar. One that the gateway does not know is ``unknown``, not an error."""

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        """Write in the meeting's chat. SIPMediaGW gets only safe characters, see `inert`.

        Raises:
            UnknownRoomError: it does not stream this webinar.
            NotInMeetingError: its browser is not in the meeting.
        """

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- the state that is asked for
        """Show or hide the chat in the picture; returns whether it is shown now.

        Raises:
            UnsupportedError: D can't.
        """

    def show_layout(self, job: JobRef, layout: str) -> str:
        """Bring slides, cameras or both into the picture; returns what it has now, empty where that can't be told.

        Raises:
            UnsupportedError: only ``amphi`` can, since 1.0.
        """

    def close(self) -> None:
        """Close the connections that are kept."""


def checked_room(room: str) -> str:
    """Return the room name if A and B can use it as the name of a container project.

    Raises:
        UnsafeRoomNameError: it is not 1 to 63 of ``a-z 0-9 _ -``, beginning with a letter or digit.
    """
    if not _ROOM.fullmatch(room):
        raise UnsafeRoomNameError(
            "a room name has 1 to 63 characters of a-z 0-9 _ -, the first a letter or digit"
        )
    return room
