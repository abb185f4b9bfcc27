"""The demo with other systems in the place of its own parts, as a university may run them.

    python -m tests.e2e.pairings nginx-rtmp
    python -m tests.e2e.pairings sipmediagw-proxy

hold a rehearsal on one and print its report.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import nginx
from tests.contract.proxy_of_sipmediagw import Proxy, monitoring
from tests.demo.running import RunningDemo, free_base_port, running
from tests.e2e.rehearsing import hold

PATIENCE_S = 60
PROXY_TOKEN = "a-token-of-the-proxy"
STREAMS = ("salle-1", "salle-2")
# As an administrator does it in the pages of the live gateways and their broadcasters.
CHANGE = """
import json
from amphi.audience.models import Broadcaster
from amphi.webinars.models import LiveGateway

for slug, columns in json.loads({changes!r}).items():
    LiveGateway.objects.filter(broadcaster__slug=slug).update(**columns["gateway"])
    if "broadcaster" in columns:
        Broadcaster.objects.filter(slug=slug).update(**columns["broadcaster"])
"""


def change(demo: RunningDemo, changes: dict[str, dict[str, dict[str, object]]]) -> None:
    """Change the demo's live gateways and broadcasters, each named by its stream."""
    code = CHANGE.format(changes=json.dumps(changes))
    done = subprocess.run(
        [sys.executable, "-m", "amphi", "shell", "-c", code],
        env=demo.environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def with_nginx_rtmp(folder: Path, *, profile: str = "2.7") -> Iterator[RunningDemo]:
    """Debian's nginx-rtmp as the live server: no partial segments, no tickets, and its playlists are at another address."""
    with (
        running(folder / "var", AMPHI_CLASSROOM_PROFILE=profile) as demo,
        nginx.running_live_server(folder, web=f"127.0.0.1:{demo.port}") as live_server,
    ):
        changes = {
            stream: {
                "gateway": {"rtmp_stream_url": live_server.rtmp_url(stream, f"key-of-{stream}")},
                "broadcaster": {"hls_url": live_server.hls_url(stream), "has_tickets": False},
            }
            for stream in STREAMS
        }
        change(demo, changes)
        yield demo


@contextmanager
def with_sipmediagw_proxy(proxy: Proxy, folder: Path, *, profile: str = "3.0") -> Iterator[RunningDemo]:
    """The proxy of SIPMediaGW 1.8 between the platform and our gateway, which enters by the join page."""
    port = free_base_port()
    settings = {
        "AMPHI_CLASSROOM_PROFILE": profile,
        "AMPHI_GATEWAY_JOIN_PREFIX": f"http://127.0.0.1:{port}/g",
        "AMPHI_GATEWAY_PROXY_URL": proxy.url,
        "AMPHI_GATEWAY_PROXY_TOKEN": PROXY_TOKEN,
        "AMPHI_GATEWAY_PROXY_ID": "amphi0,amphi1",
    }
    with running(folder / "var", port=port, **settings) as demo:
        gateway = {"sipmediagw_url": proxy.url, "sipmediagw_token": PROXY_TOKEN, "dialect": "D"}
        change(demo, {stream: {"gateway": gateway} for stream in STREAMS})
        with monitoring(proxy):
            yield demo


def main(name: str) -> int:
    """Hold a rehearsal on the pairing of that name."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if name == "nginx-rtmp":
            demo = stack.enter_context(with_nginx_rtmp(folder))
        else:
            proxy = stack.enter_context(contextlib.closing(Proxy(PROXY_TOKEN)))
            demo = stack.enter_context(with_sipmediagw_proxy(proxy, folder))
        (rehearsal,) = hold(demo)
    sys.stderr.write(rehearsal.told)
    sys.stdout.write(json.dumps(rehearsal.report, indent=2) + "\n")
    return rehearsal.status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
