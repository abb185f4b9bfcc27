"""An encoder sends SRT as docs/origin.md says, and the origin gets every frame of it; the documented files and command are what runs here."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from amphi.origin.config import Config
from tests import ports
from tests.contract.origin_ffmpeg import run
from tests.origin.running import Running, http_client, running_origin

DOCUMENT = Path(__file__).parents[2] / "docs" / "origin.md"
PASSPHRASE, KEY = "a-passphrase-of-this-test", "a-key-of-this-test"
SECONDS, FPS = 4, 25
PATIENCE_S = 60.0


def documented(heading: str) -> str:
    """The block of the page that this comment begins."""
    block = re.search(
        rf"^    # {re.escape(heading)}[^\n]*\n((?:    [^\n#]*\n|\n(?=    [^#]))+)",
        DOCUMENT.read_text(),
        re.MULTILINE,
    )
    assert block, heading
    return re.sub(r"^    ", "", block[1], flags=re.MULTILINE)


class Room:
    """A stream's files and its ffmpeg, as documented but for ports and secrets."""

    def __init__(self, folder: Path, rtmp_port: int) -> None:
        self.port = ports.reserve()
        (folder / "in").write_text(
            documented("lecture.in")
            .replace("0.0.0.0:9001", f"127.0.0.1:{self.port}")
            .replace("3f1c-a-passphrase-of-10-to-79-characters", PASSPHRASE)
            # SRT drops what comes later than this, as it may on a busy machine.
            + "option latency 4000000\n"
        )
        (folder / "out").write_text(documented("lecture.out").replace("9f2c4e", KEY))
        unit = documented("/etc/systemd/system/amphi-srt@.service")
        start = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        assert start
        command = start[1].replace("${CREDENTIALS_DIRECTORY}", str(folder)).replace(":1935", f":{rtmp_port}")
        self.command = shlex.split(command)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(*self.command, stderr=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self._listens(process.pid):
                    assert process.returncode is None
                    await asyncio.sleep(0.05)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _listens(self, pid: int) -> bool:
        return any(found.laddr.port == self.port for found in psutil.Process(pid).net_connections("udp"))

    def address(self, query: str) -> str:
        return f"srt://127.0.0.1:{self.port}?{query}"


def encoder(address: str) -> list[str]:
    """What sends as OBS does: with B-frames, in MPEG-TS."""
    return [
        *(
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=size=320x180:rate={FPS}",
        ),
        *(
            "-f",
            "lavfi",
            "-i",
            "sine=r=48000",
            "-t",
            str(PATIENCE_S),
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
        ),
        *("-g", str(FPS), "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mpegts", address),
    ]


@pytest.fixture
async def origin() -> AsyncIterator[Running]:
    async with running_origin(Config(keys={"lecture": KEY})) as origin:
        yield origin


async def send_until_listed(address: str, client: httpx.AsyncClient, seconds: float) -> None:
    sending = await asyncio.create_subprocess_exec(*encoder(address))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await listed_s(client) < seconds:  # noqa: ASYNC110 -- asked over HTTP
                await asyncio.sleep(0.1)
    finally:
        # What it still sends while it leaves is not waited for: SRT gives up the rest.
        sending.terminate()
        await sending.wait()


async def listed_s(client: httpx.AsyncClient) -> float:
    text = (await client.get("/hls/lecture/main.m3u8")).text
    return sum(float(found) for found in re.findall(r"#EXTINF:([\d.]+)", text))


async def test_every_frame_of_an_srt_encoder_is_served(origin: Running, tmp_path: Path) -> None:
    room = Room(tmp_path, origin.rtmp_port)
    async with room.running() as listener, http_client(origin) as client:
        # With a stream id, as encoders that know the guideline for them send it.
        address = room.address(f"passphrase={PASSPHRASE}&streamid=%23!::r=live/lecture,m=publish")
        await send_until_listed(address, client, SECONDS)
        async with asyncio.timeout(PATIENCE_S):
            _, log = await listener.communicate()
            while "#EXT-X-ENDLIST" not in (await client.get("/hls/lecture/main.m3u8")).text:  # noqa: ASYNC110 -- the same
                await asyncio.sleep(0.05)
        lasts_s = await listed_s(client)
        # Not decoded: the last one may have come in part.
        counted = await run(
            *("ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-of", "csv=p=0"),
            *("-show_entries", "stream=nb_read_packets", f"{origin.http}/hls/lecture/main.m3u8"),
        )
    assert int(counted.split()[0].strip(b",")) == round(lasts_s * FPS)
    assert PASSPHRASE not in log.decode()
    assert KEY not in log.decode()


async def test_wrong_passphrases_are_refused_and_the_next_encoder_is_taken(
    origin: Running, tmp_path: Path
) -> None:
    room = Room(tmp_path, origin.rtmp_port)
    async with room.running() as listener:
        for query in ("passphrase=another-passphrase", ""):
            with pytest.raises(AssertionError):
                await run(*encoder(room.address(query)))
            assert listener.returncode is None
        async with http_client(origin) as client:
            await send_until_listed(room.address(f"passphrase={PASSPHRASE}"), client, 1)


async def test_no_secret_is_in_the_command_line(origin: Running, tmp_path: Path) -> None:
    room = Room(tmp_path, origin.rtmp_port)
    async with room.running() as listener:
        shown = " ".join(psutil.Process(listener.pid).cmdline())
    assert str(room.port) not in shown
    assert PASSPHRASE not in shown
    assert KEY not in shown
