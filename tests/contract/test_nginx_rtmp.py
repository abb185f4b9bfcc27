"""Debian's nginx-rtmp with the configuration that we give, as the live server: the platform decides who publishes."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from amphi.checkup.broadcasters import Source, check_broadcaster
from amphi.checkup.live_gateways import check_rtmp
from amphi.webinars.models import Livestream
from amphi.worker.probe import Playlist, probe
from tests import nginx
from tests.contract.origin_ffmpeg import publish_command
from tests.factories import make_gateway, make_webinar

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 60.0


@dataclass(frozen=True)
class OnStage:
    live_server: nginx.LiveServer
    livestream: Livestream
    stack: ExitStack

    def publish(self, *, key: str, seconds: float) -> subprocess.Popen[bytes]:
        url = self.live_server.rtmp_url("salle-1", key)
        process = subprocess.Popen(publish_command(url, seconds=seconds), stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait, PATIENCE_S)
        self.stack.callback(process.terminate)
        return process


@pytest.fixture
def server(tmp_path, live_server, settings) -> Iterator[OnStage]:
    settings.USE_MEETING_WEBINAR = True
    web = f"127.0.0.1:{urlsplit(live_server.url).port}"
    with nginx.running_live_server(tmp_path, web=web) as running, ExitStack() as stack:
        gateway = make_gateway(
            "salle-1",
            hls_url=running.hls_url("salle-1"),
            rtmp_stream_url=running.rtmp_url("salle-1", "the-right-key"),
        )
        yield OnStage(running, make_webinar(gateway=gateway), stack)


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
        # Players read it from the platform's pages, which are elsewhere.
        allowed = [one.headers["access-control-allow-origin"] for one in (master, playlist)]
        assert allowed == ["*", "*"]
        part = re.findall(r"^\d+\.ts$", playlist.text, re.MULTILINE)[-1]
        media = client.get(playlist.url.join(part))
        assert media.headers["cache-control"].endswith("immutable")
        assert media.headers["access-control-allow-origin"] == "*"
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
    assert not list(server.live_server.hls.rglob("*.ts"))
