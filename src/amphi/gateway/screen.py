"""The screen of one browser: an Xvfb of its own, whose picture lies in memory that the gateway reads too."""

import asyncio
import mmap
import os
import secrets
import shutil
import struct
import tempfile
from asyncio.subprocess import Process
from pathlib import Path

from amphi.gateway import children, x11
from amphi.gateway.exceptions import CaptureFailedError
from amphi.gateway.packets import HEIGHT, WIDTH

_MEMORY = Path("/dev/shm")  # noqa: S108 -- a file elsewhere would be written to disk, again and again
_XWD_FIELDS = struct.Struct(">25I")  # big-endian, whatever the machine
_HEADER_BYTES, _BYTES_PER_LINE, _COLORS = 0, 12, 19
_COLOR_BYTES = 12
_MARGIN = 16  # pixels: Chromium makes a window that would fill its screen one pixel smaller


class Screen:
    """See the module.

    Attributes:
        process: the X server.
        pixels: the picture, four bytes a pixel: blue, green, red, unused. It changes while it is read.
        start: where the first line begins in `pixels`.
        line_bytes: from one line to the next.
        changes: tells what was drawn.
        environment: the variables by which a program finds the screen.
    """

    def __init__(self, process: Process, pixels: mmap.mmap, changes: x11.DamageWatch) -> None:
        fields = _XWD_FIELDS.unpack_from(pixels)
        self.process = process
        self.pixels = pixels
        self.changes = changes
        self.line_bytes = fields[_BYTES_PER_LINE]
        self.start = fields[_HEADER_BYTES] + fields[_COLORS] * _COLOR_BYTES
        self.environment: dict[str, str] = {}

    @classmethod
    async def open(cls, folder: Path) -> "Screen":
        """Start an X server. Its cookie is kept in `folder`, which only we may read.

        Raises:
            CaptureFailedError: it does not start.
            SourceLostError: it ended at once.
        """
        cookie = secrets.token_bytes(x11.COOKIE_BYTES)
        file = folder / "xauthority"
        file.write_bytes(x11.authority(cookie))
        memory = Path(tempfile.mkdtemp(prefix="amphi-screen-", dir=_MEMORY))
        try:
            process, display = await _start(memory, file)
            async with children.ended_on_error(process):
                with (memory / "Xvfb_screen0").open("r+b") as picture:
                    pixels = mmap.mmap(picture.fileno(), 0)
                changes = await x11.DamageWatch.open(display, cookie)
        finally:
            shutil.rmtree(memory)  # the memory itself lasts as long as somebody uses it
        screen = cls(process, pixels, changes)
        screen.environment = {"DISPLAY": f":{display}", "XAUTHORITY": str(file)}
        return screen

    async def close(self) -> None:
        self.changes.close()
        await children.end(self.process)


async def _start(memory: Path, authority: Path) -> tuple[Process, int]:
    reader, writer = os.pipe()
    try:
        try:
            process = await children.spawn(
                *(
                    "Xvfb",
                    "-displayfd",
                    str(writer),
                    "-screen",
                    "0",
                    f"{WIDTH + _MARGIN}x{HEIGHT + _MARGIN}x24",
                ),
                *(
                    "-fbdir",
                    str(memory),
                    "-auth",
                    str(authority),
                    "-nolisten",
                    "tcp",
                    "-noreset",
                    "-nocursor",
                ),
                *("-extension", "GLX"),  # nothing here draws by it, and loading it takes time
                pass_fds=[writer],
            )
        finally:
            os.close(writer)
        async with children.ended_on_error(process):
            if said := await _first_line(reader):
                return process, int(said)
            raise CaptureFailedError("no screen for the browser: Xvfb does not start")
    finally:
        os.close(reader)


async def _first_line(descriptor: int) -> bytes:
    """The line, without its end; empty when the other end is closed before."""
    loop, said = asyncio.get_running_loop(), b""
    os.set_blocking(descriptor, False)
    while not said.endswith(b"\n"):
        is_readable = asyncio.Event()
        loop.add_reader(descriptor, is_readable.set)
        try:
            await is_readable.wait()
        finally:
            loop.remove_reader(descriptor)
        if not (part := os.read(descriptor, 64)):
            return b""
        said += part
    return said.strip()
