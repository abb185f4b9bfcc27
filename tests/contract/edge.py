"""Debian's nginx with the site's configuration that we give, before a real web server and a real origin."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from amphi.system import tickets
from tests import nginx, services
from tests.contract.origin_ffmpeg import publish_command

SITE = Path(__file__).parents[2] / "deploy" / "nginx" / "amphi.conf"
PATIENCE_S = 60.0
BUCKET = "https://s3.example.org"
TICKET_KEY = "a-key-of-the-tests-" + "k" * 32
SEED = """
import sys
import django
django.setup()
from amphi.webinars import transitions
from tests.factories import in_hours, make_gateway, make_webinar
room = make_gateway("room", hls_url=f"{sys.argv[1]}/hls/room.m3u8")
room.broadcaster.has_tickets = True
room.broadcaster.save()
running, coming = (make_webinar(name=name, gateway=room, start_at=in_hours(h)) for name, h in (("Conférence", 1), ("Plus tard", 48)))
transitions.apply(running, transitions.GO_LIVE, user=None)
type(running.event).objects.filter(pk=running.event_id).update(guests_may_write=True)
hidden = make_webinar(name="Coulisses", gateway=make_gateway("side", hls_url="https://localhost/hls/side.m3u8"))
hidden.starts_backstage = True
hidden.save()
for trigger in (transitions.GO_LIVE, transitions.MEDIA_SEEN):
    transitions.apply(hidden, trigger, user=None)
from datetime import timedelta
from django.conf import settings
from django.utils import timezone
from amphi.audience.models import Airing, Replay
from tests.audience import reels
now = timezone.now()
airing = Airing.objects.create(event=coming.event, began_at=now - timedelta(minutes=1), ended_at=now)
replay = Replay.objects.create(airing=airing, shown_to="public")
reels.record(settings.RECORDINGS, coming.event_id, airing.began_at, [b"one chunk", b"another"])
print(running.event_id, coming.event_id, hidden.event_id, replay.pk, running.event.slug)
"""
APPLY = """
import sys
import django
django.setup()
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
trigger = getattr(transitions, sys.argv[1])
assert transitions.apply(Livestream.objects.get(event=int(sys.argv[2])), trigger, user=None)
"""
SAY = """
import sys
import django
django.setup()
from django.utils import timezone
from amphi.audience import domain
from amphi.audience.models import Event
said = {"meeting_message_id": "m1", "author_name": "Marie", "text": sys.argv[2], "sent_at": timezone.now()}
assert domain.record_meeting_message(Event.objects.get(pk=int(sys.argv[1])), **said)
"""
# The player shows what nginx does with a compressed file: to compress all takes longer than all else that starts here.
COLLECT = """
import django
django.setup()
from django.core.management import call_command
from django.test import override_settings
with override_settings(WHITENOISE_SKIP_COMPRESS_EXTENSIONS=("css", "js", "json", "md", "svg", "txt", "png", "jpg", "webp")):
    call_command("collectstatic", interactive=False, verbosity=0)
"""


@dataclass(frozen=True)
class Edge:
    """What runs, and two webinars: one on the air, one to come."""

    url: str
    plain: str
    slug: str
    event_id: int
    coming_id: int
    hidden_id: int
    replay_id: int
    client: httpx.Client
    folder: Path
    web: subprocess.Popen[bytes]
    environment: dict[str, str]
    certificate: nginx.Certificate

    def ticket(
        self,
        *,
        viewer: str = "a1",
        stream: str = "room",
        seconds: int = 600,
        key: str = TICKET_KEY,
        event_id: int = 0,
    ) -> str:
        held = tickets.Ticket(
            event_id=event_id or self.event_id,
            stream=stream,
            viewer=viewer,
            expires_at=int(time.time()) + seconds,
        )
        return tickets.mint(key.encode(), held)

    def apply(self, trigger: str, event_id: int) -> None:
        """Have the live of an event go on, by the name of a trigger in `transitions`."""
        services.python(self.environment, "-c", APPLY, trigger, str(event_id))

    def say(self, text: str) -> None:
        """Somebody in the meeting writes."""
        services.python(self.environment, "-c", SAY, str(self.event_id), text)

    def hls(self, path: str, **of_ticket) -> httpx.Response:
        return self.client.get(f"{self.url}/t/{self.ticket(**of_ticket)}/hls/{path}")


def site(folder: Path, certificate: nginx.Certificate, ports: dict[str, int]) -> str:
    """The file that operators copy, with this test's ports, names and folders."""
    text = SITE.read_text()
    replaced = {
        "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
        "127.0.0.1:8003": f"127.0.0.1:{ports['origin']}",
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl": f"listen 127.0.0.1:{ports['https']} ssl",
        "/etc/letsencrypt/live/amphi.univ.fr/fullchain.pem": str(certificate.file),
        "/etc/letsencrypt/live/amphi.univ.fr/privkey.pem": str(certificate.key),
        "/var/cache/nginx/amphi": str(folder / "cache"),
        "/var/lib/amphi": str(folder),
        "/var/log/nginx/amphi.log": str(folder / "access.log"),
        "/var/log/nginx/error.log": str(folder / "error.log"),
        "amphi.univ.fr": "localhost",
    }
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    # Ports of the loopback alone: IPv6 is not everywhere that tests run.
    lines = [line for line in text.splitlines() if not line.strip().startswith("listen [::]")]
    return "\n".join(lines) + "\n"


@contextmanager
def running(folder: Path, *, connections: int = 512) -> Iterator[Edge]:
    """All of it in `folder`, with a publisher, and an nginx that holds so many connections, until the block is left."""
    (folder / "cache").mkdir()
    certificate = nginx.make_certificate(folder)
    ports = dict(zip(("http", "https", "web", "origin", "rtmp"), nginx.free_ports(5), strict=True))
    url = f"https://localhost:{ports['https']}"
    env = services.environment(
        folder,
        AMPHI_URL=url,
        AMPHI_TICKET_KEY=TICKET_KEY,
        AMPHI_USE_MEETING_WEBINAR="1",
        # Beside the platform's folder, as in the guide.
        AMPHI_RECORDINGS=f"{folder}-recordings",
        # Nobody asks it here: addresses of the bucket are signed by the platform itself.
        AMPHI_BUCKET_URL=f"{BUCKET}/replays",
        AMPHI_BUCKET_KEY="a-key",
        AMPHI_BUCKET_SECRET="a-secret",
    )
    services.migrate(env)
    services.python(env, "-c", COLLECT)
    *made, slug = services.python(env, "-c", SEED, url).split()
    event_id, coming_id, hidden_id, replay_id = map(int, made)
    with ExitStack() as stack:
        web, origin = f"127.0.0.1:{ports['web']}", f"127.0.0.1:{ports['origin']}"
        web_process = services.serve(
            stack, env, folder, "web", "--http", web, answers=f"http://{web}/healthz"
        )
        # Behind the edge the origin asks for no ticket: only the edge reaches it.
        bare = {name: value for name, value in env.items() if name != "AMPHI_TICKET_KEY"}
        rtmp = f"127.0.0.1:{ports['rtmp']}"
        services.serve(
            stack,
            bare,
            folder,
            "origin",
            "--open",
            "--http",
            origin,
            "--rtmp",
            rtmp,
            answers=f"http://{origin}/healthz",
        )
        modules = ("ngx_http_brotli_static_module.so",)
        configuration = nginx.frame(folder, http=site(folder, certificate, ports), modules=modules)
        configuration = configuration.replace("worker_connections 512", f"worker_connections {connections}")
        stack.enter_context(nginx.running_nginx(folder, configuration, port=ports["https"]))
        command = publish_command(f"rtmp://{rtmp}/live/room", seconds=300)
        publisher = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        stack.callback(publisher.wait, PATIENCE_S)
        stack.callback(publisher.terminate)
        client = stack.enter_context(
            httpx.Client(verify=certificate.trust, trust_env=False, timeout=PATIENCE_S)
        )
        plain = f"http://localhost:{ports['http']}"
        yield Edge(
            url,
            plain,
            slug,
            event_id,
            coming_id,
            hidden_id,
            replay_id,
            client,
            folder,
            web_process,
            env,
            certificate,
        )
