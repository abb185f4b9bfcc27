"""Learns what changes on an X server's screen, by as much of X11 and its DAMAGE extension as that needs."""

import asyncio
import socket
import struct
from dataclasses import dataclass

from amphi.gateway.exceptions import SourceLostError

COOKIE_BYTES = 16
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_WARP_POINTER, _QUERY_EXTENSION = 41, 98
_DAMAGE_QUERY_VERSION, _DAMAGE_CREATE = 0, 1
_EVERY_RECTANGLE = 0  # a damage event for each drawing, whether or not there was damage before
_EVENT = struct.Struct("<BxHIIIhhHHxxxxxxxx")
_EVENTS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a screen, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def with_(self, other: "Rectangle") -> "Rectangle":
        """The smallest rectangle around both."""
        return Rectangle(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def authority(cookie: bytes) -> bytes:
    """An Xauthority file that names the cookie of any display."""
    any_host_and_display = struct.pack(">HHH", 0xFFFF, 0, 0)
    return any_host_and_display + b"".join(struct.pack(">H", len(part)) + part for part in (_COOKIE, cookie))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


class DamageWatch:
    """A client of one X server, that is told of each change of the screen.

    The events wait in the socket until they are asked for, so that nothing runs for each of them.
    """

    def __init__(self, connection: socket.socket, event: int) -> None:
        self._connection = connection
        self._event = event
        self._rest = b""

    @classmethod
    async def open(cls, display: int, cookie: bytes) -> "DamageWatch":
        """Connect to a display of this machine.

        Raises:
            OSError: there is no such display.
            SourceLostError: it refuses, or can't tell of changes.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, f"/tmp/.X11-unix/X{display}")  # noqa: S108 -- where X11 has it
            return cls(connection, await _watch(connection, cookie))
        except BaseException:
            connection.close()
            raise

    def changed(self) -> Rectangle | None:
        """The rectangle around all that has changed since the last call; None when nothing has.

        Raises:
            SourceLostError: the X server is gone.
        """
        try:
            data = self._rest + self._connection.recv(_EVENTS_AT_ONCE * _EVENT.size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise SourceLostError("the browser's screen is gone") from error
        if len(data) == len(self._rest):
            raise SourceLostError("the browser's screen is gone")
        whole = len(data) // _EVENT.size * _EVENT.size
        self._rest = data[whole:]
        found = None
        for kind, _, _, _, _, left, top, width, height in _EVENT.iter_unpack(data[:whole]):
            if kind & 0x7F == self._event:
                area = Rectangle(left, top, left + width, top + height)
                found = found.with_(area) if found else area
        return found

    def close(self) -> None:
        self._connection.close()


async def _watch(connection: socket.socket, cookie: bytes) -> int:
    """Introduce ourselves and ask for the changes of the first screen. Returns the number of the events that tell of them."""
    loop = asyncio.get_running_loop()

    async def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            received = await loop.sock_recv(connection, count - len(data))
            if not received:
                raise SourceLostError("the browser's screen is gone")
            data += received
        return data

    hello = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(_COOKIE), len(cookie))
    await loop.sock_sendall(connection, hello + _padded(_COOKIE) + _padded(cookie))
    accepted, length = struct.unpack("<BxxxxxH", await read(8))
    setup = await read(4 * length)
    if accepted != 1:
        raise SourceLostError("the browser's screen can't be watched: it refuses")
    first_id, vendor_length, formats = struct.unpack_from("<4xI8xH3xB", setup)
    root = struct.unpack_from("<I", setup, 32 + len(_padded(bytes(vendor_length))) + 8 * formats)[0]

    name = b"DAMAGE"
    question = struct.pack("<BxHHxx", _QUERY_EXTENSION, 2 + len(_padded(name)) // 4, len(name))
    await loop.sock_sendall(connection, question + _padded(name))
    is_there, opcode, event = struct.unpack_from("<8xBBB", await read(32))
    if not is_there:
        raise SourceLostError("the browser's screen can't be watched: it lacks DAMAGE")
    version = struct.pack("<BBHII", opcode, _DAMAGE_QUERY_VERSION, 3, 1, 1)
    # Away, to the last corner: a page that the pointer rests on shows hints under it.
    warp = struct.pack("<BxHIIhhHHhh", _WARP_POINTER, 6, 0, root, 0, 0, 0, 0, 0x7FFF, 0x7FFF)
    create = struct.pack("<BBHIIBxxx", opcode, _DAMAGE_CREATE, 4, first_id, root, _EVERY_RECTANGLE)
    await loop.sock_sendall(connection, warp + version + create)
    await read(32)  # the version
    return int(event)
