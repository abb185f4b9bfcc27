"""Debian's nginx-rtmp with the configuration that we give, as the live server: the platform decides who publishes."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from amphi.checkup.broadcasters import Source, check_broadcaster
from amphi.checkup.live_gateways import check_rtmp
from amphi.webinars.models import Livestream
from amphi.webinars.probe import Playlist, probe
from tests import nginx
from tests.contract.origin_ffmpeg import publish_command
from tests.factories import make_gateway, make_webinar

pytestmark = pytest.mark.django_db(transaction=True)

DEPLOY = Path(__file__).parents[2] / "deploy" / "nginx"
PATIENCE_S = 40.0


@dataclass(frozen=True)
class LiveServer:
    rtmp_port: int
    livestream: Livestream
    folder: Path
    stack: ExitStack

    def publish(self, *, key: str, seconds: float) -> subprocess.Popen[bytes]:
        url = f"rtmp://127.0.0.1:{self.rtmp_port}/live/salle-1?key={key}"
        process = subprocess.Popen(publish_command(url, seconds=seconds), stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait, PATIENCE_S)
        self.stack.callback(process.terminate)
        return process


def adapted(name: str, **replaced: str) -> str:
    """The file that operators copy, with this test's ports and folders."""
    text = (DEPLOY / name).read_text()
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def server(tmp_path, live_server, settings) -> Iterator[LiveServer]:
    settings.USE_MEETING_WEBINAR = True
    rtmp_port, http_port = nginx.free_ports(2)
    hls = tmp_path / "hls"
    hls.mkdir()
    folder = {"/var/lib/amphi-hls": str(hls)}
    web = f"127.0.0.1:{urlsplit(live_server.url).port}"
    rtmp = adapted(
        "rtmp.conf", **{"listen 1935": f"listen 127.0.0.1:{rtmp_port}", "127.0.0.1:8000": web}, **folder
    )
    http = adapted("rtmp-hls.conf", **{"127.0.0.1:8003": f"127.0.0.1:{http_port}"}, **folder)
    gateway = make_gateway(
        "salle-1",
        hls_url=f"http://127.0.0.1:{http_port}/hls/salle-1.m3u8",
        rtmp_stream_url=f"rtmp://127.0.0.1:{rtmp_port}/live/salle-1?key=the-right-key",
    )
    configuration = nginx.frame(tmp_path, http=http, rtmp=rtmp, modules=("ngx_rtmp_module.so",))
    with nginx.running_nginx(tmp_path, configuration, port=http_port), ExitStack() as stack:
        yield LiveServer(rtmp_port, make_webinar(gateway=gateway), hls, stack)


def wait_for_playlist(livestream: Livestream, *, other_than: Playlist | None = None) -> Playlist:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = probe(livestream)
        if found is not None and (other_than is None or found.mark != other_than.mark):
            return found
        time.sleep(0.1)
    raise AssertionError("the playlist never advanced")


def test_publisher_with_the_key_is_seen_to_advance_and_to_end(server):
    livestream = server.livestream
    broadcaster = livestream.gateway.broadcaster
    assert probe(livestream) is None
    [found] = check_rtmp(livestream.gateway.rtmp_stream_url)
    assert found.level == "OK"

    publisher = server.publish(key="the-right-key", seconds=60)
    first = wait_for_playlist(livestream)
    second = wait_for_playlist(livestream, other_than=first)
    assert not second.ended
    assert second.target_duration_s <= 2
    [found] = check_broadcaster(Source("salle-1", broadcaster.hls_url, "salle-1", has_tickets=False))
    assert found.level == "OK"

    with httpx.Client(trust_env=False) as client:
        master = client.get(broadcaster.hls_url)
        playlist = client.get(f"{broadcaster.hls_url.removesuffix('.m3u8')}/index.m3u8")
        assert (
            master.headers["content-type"]
            == playlist.headers["content-type"]
            == "application/vnd.apple.mpegurl"
        )
        assert "s-maxage=1" in playlist.headers["cache-control"]
        part = re.findall(r"^\d+\.ts$", playlist.text, re.MULTILINE)[-1]
        media = client.get(playlist.url.join(part))
        assert media.headers["cache-control"].endswith("immutable")
        assert media.content[0] == 0x47  # MPEG-TS

    publisher.terminate()
    publisher.wait(PATIENCE_S)
    # Closed or not, a playlist that stands still is what the supervisor goes by.
    last, still_since = wait_for_playlist(livestream), time.monotonic()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() - still_since < 3:
        assert time.monotonic() < deadline
        now = probe(livestream)
        if now is None:
            break
        if now.mark != last.mark:
            last, still_since = now, time.monotonic()
        time.sleep(0.1)


def test_publisher_with_another_key_is_refused(server):
    publisher = server.publish(key="a-wrong-key", seconds=60)
    assert publisher.wait(PATIENCE_S) != 0
    assert probe(server.livestream) is None
    assert not list(server.folder.rglob("*.ts"))
