"""A gateway as an operator runs it, a meeting's page, and nginx-rtmp to send to."""

import contextlib
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
import pytest

from tests import ports

TOKEN = "correct-horse"
METRICS_TOKEN = "battery-staple"
DEADLINE_S = 90


def wait_for(condition, *, within_s=DEADLINE_S):
    """The first true thing that `condition` returns."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"not within {within_s} s: {condition}")


class GatewayProcess:
    """`amphi gateway`, and a client of it."""

    def __init__(self, **settings):
        self.port = ports.reserve()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
        environment |= {"AMPHI_GATEWAY_TOKEN": TOKEN, "AMPHI_GATEWAY_HTTP": f"127.0.0.1:{self.port}"}
        environment["AMPHI_METRICS_TOKEN"] = METRICS_TOKEN
        environment["AMPHI_GATEWAY_CLASSROOM"] = "1"  # the page of these tests stands as the classroom's does
        # Enough where pictures are not judged, for less of the machine.
        environment["AMPHI_GATEWAY_FPS"] = "10"
        environment |= {f"AMPHI_GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "amphi", "gateway"], env=environment, stderr=subprocess.PIPE, text=True
        )
        self.log = []
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._reader.start()
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )
        wait_for(self.is_ready)

    def is_ready(self):
        assert self.process.poll() is None, "".join(self.log)
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def job(self, job_id):
        return self.client.get(f"/jobs/{job_id}").json()

    def wait_for_state(self, job_id, state, reason=None):
        def reached():
            job = self.job(job_id)
            return job if job["state"] == state and reason in (None, job["reason"]) else None

        return wait_for(reached)

    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(60)
        self._reader.join(60)
        self.process.stderr.close()
        self.client.close()
        return status


@pytest.fixture
def make_gateway():
    gateways = []

    def make(**settings):
        gateways.append(GatewayProcess(**settings))
        return gateways[-1]

    yield make
    for gateway in gateways:
        if not gateway.process.stderr.closed:
            gateway.close()


class MeetingHandler(http.server.BaseHTTPRequestHandler):
    """Serves the pages of the `MeetingServer` that its server names."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urlsplit(self.path)
        if address.path == "/say":
            self.server.meeting.hear(parse_qs(address.query))
            self.answer(b"", "text/plain")
        elif address.path == "/state":
            body = {"state": self.server.meeting.state, "crash": self.server.meeting.crash_token}
            self.answer(json.dumps(body).encode(), "application/json")
        elif address.path == "/error":
            body = b"<response><returncode>FAILED</returncode><messageKey>guestDeny</messageKey></response>"
            self.answer(body, "text/xml")
        else:
            self.page(address)

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.meeting.joins.append(parse_qs(self.rfile.read(length).decode()))
        self.send_elsewhere() if self.server.meeting.sends_to else self.page(urlsplit("/meeting"))

    def send_elsewhere(self):
        self.send_response(302)
        self.send_header("Location", self.server.meeting.sends_to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def page(self, address):
        self.server.meeting.door.wait(DEADLINE_S)
        name = "join_form.html" if address.path.startswith("/form") else "meeting.html"
        if address.path == "/meeting" and self.command == "GET":
            self.server.meeting.joins.append(address.query)
        page = (Path(__file__).with_name("pages") / name).read_text("utf-8")
        page = self.server.meeting.fill(page)
        self.answer(page.encode(), "text/html; charset=utf-8")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # As strict as a meeting server may be: nothing of ours may need to connect elsewhere from this page.
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'")
        with contextlib.suppress(ConnectionError):  # a page that is closed asks no more
            self.end_headers()
            self.wfile.write(body)


class MeetingServer:
    """Serves a page that stands as the classroom's does, and does what the test says."""

    def __init__(self, *, is_blue=False):
        self.state = "joining"
        self.is_blue = is_blue
        self.chat_open = False
        self.still = False
        self.crash_token = ""
        self.sends_to = ""
        self.door = threading.Event()
        self.door.set()
        self.joins = []
        self.chat = []
        self.chat_shown = None
        self.layouts = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MeetingHandler)
        self.server.meeting = self
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def join_url(self):
        return f"http://localhost:{self.server.server_port}/meeting?checksum=secret-checksum"

    def fill(self, page):
        placed = {
            "STILL": self.still,
            "CRASHED": self.crash_token,
            "CHAT_OPEN": self.chat_open,
            "IS_BLUE": self.is_blue,
        }
        for name, value in placed.items():
            page = page.replace(name, json.dumps(value))
        return page

    def hear(self, said):
        if "text" in said:
            self.chat.append(said["text"][0])
        if "shown" in said:
            self.chat_shown = said["shown"][0] == "true"
        self.layouts += said.get("layout", [])

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def meeting():
    server = MeetingServer()
    yield server
    server.close()


@pytest.fixture
def other_meeting():
    server = MeetingServer(is_blue=True)
    yield server
    server.close()


@pytest.fixture
def https_meeting(meeting, tmp_path):
    """The meeting behind a certificate that no authority signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    meeting.server.socket = context.wrap_socket(
        meeting.server.socket, server_side=True, do_handshake_on_connect=False
    )
    return meeting


class RtmpServer:
    """Debian's nginx with its RTMP module; each publish becomes a file."""

    def __init__(self, folder):
        self.folder = folder
        self.port = ports.reserve()
        self.control_port = ports.reserve()
        self.files = folder / "files"
        self.files.mkdir()
        self.files.chmod(0o777)
        self.process = None
        self.refuses = False
        self.start()

    def start(self):
        configuration = f"""
            load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
            daemon off; master_process off; user root; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log notice;
            events {{ worker_connections 64; }}
            rtmp {{ access_log {self.folder}/access.log; server {{ listen 127.0.0.1:{self.port}; application live {{
              live on; record all; record_path {self.files}; record_unique off; record_suffix -%s.flv;
              {"deny publish all;" if self.refuses else ""}
            }} }} }}
        """
        if os.geteuid() != 0:
            configuration = configuration.replace("user root;", "")
        (self.folder / "nginx.conf").write_text(configuration)
        self.process = subprocess.Popen(
            [
                "nginx",
                "-p",
                str(self.folder),
                "-e",
                str(self.folder / "error.log"),
                "-c",
                str(self.folder / "nginx.conf"),
            ],
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.is_listening)

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, name="talk"):
        return f"rtmp://127.0.0.1:{self.port}/live/{name}?key=secret-key"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def connections(self):
        """How many publishers have left, by the access log."""
        log = self.folder / "access.log"
        return len(re.findall(r"PUBLISH", log.read_text())) if log.exists() else 0

    def recordings(self):
        return sorted(self.files.iterdir(), key=lambda path: path.stat().st_mtime)

    def close(self):
        self.kill()


@pytest.fixture
def rtmp(tmp_path):
    server = RtmpServer(tmp_path)
    yield server
    server.close()


def probe(path, *entries):
    """What ffprobe says of a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", *entries, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


def packets(path, kind):
    listed = probe(path, "-select_streams", kind, "-show_entries", "packet=pts_time,flags")["packets"]
    return [(float(packet["pts_time"]), "K" in packet["flags"]) for packet in listed]


def picture_of(path, at_s, *form):
    """The picture at a time, as raw bytes."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-ss",
        str(at_s),
        "-i",
        str(path),
        "-frames:v",
        "1",
        *form,
        "-f",
        "rawvideo",
        "-",
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def color_of(path, at_s=0.0):
    """The mean colour of the picture at a time."""
    return tuple(picture_of(path, at_s, "-vf", "scale=1:1:flags=area", "-pix_fmt", "rgb24")[:3])


def darkest_of(path, at_s=0.0):
    """The least bright place of the picture at a time."""
    return min(picture_of(path, at_s, "-pix_fmt", "gray"))
