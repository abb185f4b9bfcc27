"""nginx-rtmp pushes a stream on to the origin."""

import asyncio
from pathlib import Path

import httpx

from amphi.origin.config import Config
from tests.contract.origin_ffmpeg import count_frames, publishing
from tests.origin.running import eventually, ready, running_origin

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
CONFIGURATION = """
load_module {module};
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
rtmp {{
  server {{
    listen 127.0.0.1:{port};
    application live {{ live on; push {target}; }}
  }}
}}
"""


async def test_nginx_rtmp_pushes_what_it_was_sent(tmp_path, free_port):
    async with (
        running_origin(Config(keys={"lecture": "k+/=="}, slate=False)) as origin,
        httpx.AsyncClient() as client,
    ):
        configuration = tmp_path / "nginx.conf"
        target = f"{origin.rtmp}/lecture?key=k+/=="
        configuration.write_text(
            CONFIGURATION.format(module=MODULE, folder=tmp_path, port=free_port, target=target)
        )
        nginx = await asyncio.create_subprocess_exec("nginx", "-c", str(configuration))
        try:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", free_port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
            async with publishing(f"rtmp://127.0.0.1:{free_port}/live/lecture", seconds=6) as publisher:
                await ready(client, f"{origin.http}/hls/lecture.m3u8")
                stream = origin.origin.streams.get("lecture")
                await publisher.wait()
                await eventually(lambda: stream.publisher is None)
                stream.end()
            assert (await count_frames(f"{origin.http}/hls/lecture.m3u8"))["video"] == 150
        finally:
            nginx.terminate()
            await nginx.wait()
