"""ffmpeg as publisher and as listener."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

PATIENCE_S = 60.0


def publish_command(url: str, *, seconds: float, live: bool = True, extra: tuple[str, ...] = ()) -> list[str]:
    return [
        "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *(["-re"] if live else []),
        "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25",
        "-c:a", "aac", *extra, "-f", "flv", url,
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def publishing(
    url: str, *, seconds: float, extra: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *publish_command(url, seconds=seconds, extra=extra), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def run(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output


async def count_frames(url: str) -> dict[str, int]:
    """How many frames of each kind ffprobe decodes."""
    output = await run(
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=codec_type,nb_read_frames",
        "-of",
        "json",
        url,
    )
    return {found["codec_type"]: int(found["nb_read_frames"]) for found in json.loads(output)["streams"]}
