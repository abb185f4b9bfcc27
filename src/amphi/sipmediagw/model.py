"""What is asked of a gateway and what it answers, the same for every dialect."""

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
        job_id: ours; asking twice with one id is one job, where the dialect knows jobs.
        room: the last part of the join page's address.
        rtmp_url: where picture and sound go; holds a key, so it is not shown.
        join_url: a ready address into the meeting, for our own gateway.
        domain: the join page's address before the room, without its scheme, for A and B.
        show_chat: the chat is part of the picture; our own gateway only.
    """

    job_id: str
    room: str
    rtmp_url: str = field(repr=False)
    join_url: str = field(default="", repr=False)
    domain: str = field(default="", repr=False)
    show_chat: bool = False


@dataclass(frozen=True, slots=True)
class JobRef:
    """A webinar that was started.

    Attributes:
        job_id: as it was started.
        room: as it was started.
        remote_id: as `Gateway.start` returned it; the `gw_id` of D.
        chat_shown: as last confirmed. A and B only toggle, so this tells whether a toggle is needed; a stream begins without.
    """

    job_id: str
    room: str
    remote_id: str = ""
    chat_shown: bool = False


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What a gateway says of one webinar.

    Attributes:
        state: ``unknown`` means that the gateway knows no such webinar: it was restarted, and must be asked to start again.
        reason: a code, empty while all is well.
        detail: one English sentence for the log.
        remote_id: to keep, for `JobRef`.
        reported: the gateway reports this by itself. A gateway that can't (A, early B) answers with what was asked last, and
            only the pictures tell more.
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


class Gateway(Protocol):
    """A gateway of any dialect. Every call ends within its time limit and raises `GatewayError` when it fails."""

    dialect: Dialect

    def start(self, request: StartRequest) -> JobStatus:
        """Send a browser into the meeting, and picture and sound to the RTMP address.

        Raises:
            GatewayFullError: every place is taken.
            GatewayRefusedError: it will not.
        """

    def stop(self, job: JobRef) -> JobStatus:
        """Stop a stream. A webinar that the gateway does not know is idle, so asking twice is harmless."""

    def status(self, job: JobRef) -> JobStatus:
        """What the gateway says of a webinar; one that it does not know is ``unknown``, not an error."""

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        """Write in the meeting's chat. Upstream gateways get inert characters only, see `inert`.

        Raises:
            UnknownRoomError: it streams no such webinar.
            NotInMeetingError: its browser is not in the meeting.
        """

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- the state that is asked for
        """Show or hide the chat in the picture; how it is now is returned.

        Raises:
            UnsupportedError: D can't.
        """

    def close(self) -> None:
        """Close the connections that are kept."""


def checked_room(room: str) -> str:
    """The room name, when the gateways of A and B can make a container's project of it unchanged.

    Raises:
        UnsafeRoomNameError: it is not 1 to 63 of ``a-z 0-9 _ -``, beginning with a letter or digit.
    """
    if not _ROOM.fullmatch(room):
        raise UnsafeRoomNameError(
            "a room name has 1 to 63 characters of a-z 0-9 _ -, the first a letter or digit"
        )
    return room
