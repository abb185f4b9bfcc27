"""Where each part of the demo listens, and the environment that all parts share."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from amphi.demo.exceptions import PortTakenError
from amphi.demo.keys import Keys
from amphi.system.terminal import say

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
DEFAULT_RTMP_PORT = 1935
LOOPBACK = "127.0.0.1"
STREAMS = ("salle-1", "salle-2")


@dataclass(frozen=True)
class Layout:
    """The addresses of one demo.

    Attributes:
        host: the address on which web, classroom and origin listen, for browsers. Gateway and RTMP listen on loopback only.
        port: the web part's port; classroom, gateway and origin use the three ports after it.
        rtmp_port: the origin's port for RTMP.
        url: the address that browsers use for the web part.
        var: the folder of all data.
        alive: whether a webinar is on the air from the start.
    """

    host: str
    port: int
    rtmp_port: int
    url: str
    var: Path
    alive: bool = False

    @property
    def _scheme_and_host(self) -> str:
        parts = urlsplit(self.url)
        host = parts.hostname or self.host
        return f"http://{f'[{host}]' if ':' in host else host}"

    @property
    def web(self) -> str:
        """The web part's address for the other parts."""
        return f"http://{self._local}:{self.port}"

    @property
    def classroom(self) -> str:
        """The classroom's address for browsers."""
        return f"{self._scheme_and_host}:{self.port + 1}"

    @property
    def gateway(self) -> str:
        """The gateway's address for the worker."""
        return f"http://{LOOPBACK}:{self.port + 2}"

    @property
    def origin(self) -> str:
        """The origin's address for browsers."""
        return f"{self._scheme_and_host}:{self.port + 3}"

    @property
    def _local(self) -> str:
        return LOOPBACK if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 -- compared, not bound

    def health(self, part: str) -> str | None:
        """The address that answers 200 once `part` is ready; None when it has none."""
        offset = {"web": 0, "classroom": 1, "gateway": 2, "origin": 3}.get(part)
        if offset is None:
            return None
        host = LOOPBACK if part == "gateway" else self._local
        return f"http://{host}:{self.port + offset}/healthz"

    def hls_url(self, stream: str) -> str:
        """The playlist of `stream`, for players."""
        return f"{self.origin}/hls/{stream}.m3u8"

    def rtmp_url(self, stream: str, key: str) -> str:
        """The address that the gateway publishes `stream` to."""
        return f"rtmp://{LOOPBACK}:{self.rtmp_port}/live/{stream}?key={key}"

    def listening(self) -> list[tuple[str, str, int]]:
        """Every (part, host, port) that must be free."""
        return [
            ("web", self.host, self.port),
            ("classroom", self.host, self.port + 1),
            ("gateway", LOOPBACK, self.port + 2),
            ("origin", self.host, self.port + 3),
            ("origin (RTMP)", LOOPBACK, self.rtmp_port),
        ]

    def environment(self, keys: Keys) -> dict[str, str]:
        """The environment of every part, and of commands that use this demo."""
        local_classroom = f"http://{self._local}:{self.port + 1}"
        return {
            "AMPHI_VAR": str(self.var),
            "AMPHI_URL": self.url,
            "AMPHI_HTTP": f"{self.host}:{self.port}",
            "AMPHI_SECRET_KEY": keys.secret_key,
            "AMPHI_DATABASE_URL": "",
            "AMPHI_TICKET_KEY": keys.ticket_key,
            "AMPHI_USE_MEETING_WEBINAR": "1",
            # Whatever page somebody tries it in.
            "AMPHI_EMBED_SITES": "*",
            # There is no mail server, so emails are written to files.
            "AMPHI_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "AMPHI_BBB_API_URL": f"{local_classroom}/bigbluebutton",
            "AMPHI_BBB_SECRET_KEY": keys.classroom_secret,
            "AMPHI_CLASSROOM_HTTP": f"{self.host}:{self.port + 1}",
            "AMPHI_CLASSROOM_URL": self.classroom,
            "AMPHI_CLASSROOM_SECRET": keys.classroom_secret,
            "AMPHI_CLASSROOM_PROFILE": os.environ.get("AMPHI_CLASSROOM_PROFILE", "3.0"),
            "AMPHI_GATEWAY_HTTP": f"{LOOPBACK}:{self.port + 2}",
            "AMPHI_GATEWAY_TOKEN": keys.gateway_token,
            "AMPHI_GATEWAY_MAX_JOBS": "2",
            "AMPHI_GATEWAY_CLASSROOM": "1",
            "AMPHI_ORIGIN_RTMP": f"{LOOPBACK}:{self.rtmp_port}",
            "AMPHI_ORIGIN_HTTP": f"{self.host}:{self.port + 3}",
            "AMPHI_ORIGIN_TOKEN": keys.origin_token,
            "AMPHI_ORIGIN_ON_PUBLISH": f"{self.web}/webinars/on-publish",
            "AMPHI_ORIGIN_ON_PUBLISH_DONE": f"{self.web}/webinars/on-publish-done",
            "AMPHI_ORIGIN_TICKET_URL": f"{self.web}/edge/ticket",
            "AMPHI_RECORDINGS": str(self.var / "recordings"),
            "AMPHI_RECORDINGS_GIB": "10",
            "AMPHI_RECORDINGS_FREE_GIB": "1",
        }


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError:
            return True
    return False


def require_free_ports(layout: Layout) -> None:
    """Check every port before anything starts.

    Raises:
        PortTakenError: names the ports in use, each with the part that needs it.
    """
    taken = [f"{port} ({part})" for part, host, port in layout.listening() if _is_taken(host, port)]
    if not taken:
        return
    ports = ", ".join(taken)
    raise PortTakenError(
        say(
            en=f"Another program listens on port {ports}. Stop it, or move the demo: "
            f'make demo ARGS="--port {layout.port + 1000}"',
            fr=f"Un autre programme occupe le port {ports}. Arrêtez-le, ou déplacez la démonstration\u202f: "
            f'make demo ARGS="--port {layout.port + 1000}"',
        )
    )
