"""Run as root in a network of its own: what an ordinary user behind the gateway's wall reaches, as one line of JSON."""

import contextlib
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable

USER = 65_534
PUBLIC, PRIVATE, METADATA = "203.0.113.5", "10.9.8.7", "169.254.169.254"
MEETING = "10.7.7.7"
ADDRESSES = (PUBLIC, PRIVATE, METADATA, MEETING, "fd00::7")
PAGE = b"<p>the page was reached</p>"


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the name that it has there
        pass


class _Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _as_user(work: Callable[[], object]) -> object:
    """What `work` returns, in a child of that user."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        os.write(writer, json.dumps(work()).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return json.loads(answer.read() or "null")


def _reaches(host: str, port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), timeout=5).close()
        return True
    return False


def _shown(url: str) -> bool:
    """Whether Chromium, in its own sandbox, shows the page. As root it would refuse to run with one."""
    with tempfile.TemporaryDirectory() as home:
        shown = subprocess.run(
            ["chromium-headless-shell", "--disable-gpu", f"--user-data-dir={home}", "--dump-dom", url],
            check=False,
            capture_output=True,
            env={"HOME": home, "PATH": os.environ["PATH"]},
            timeout=60,
        )
    return PAGE in shown.stdout


def _answers_who_calls() -> bool:
    """A server of that user, called by root: the gateway's API."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(USER)
        with socket.create_server(("127.0.0.1", 8002)) as server:
            os.write(writer, b"!")
            connection, _ = server.accept()
            connection.sendall(b"200")
            connection.close()
        os._exit(0)
    os.read(reader, 1)
    with socket.create_connection(("127.0.0.1", 8002), timeout=5) as client:
        answer = client.recv(3)
    os.waitpid(child, 0)
    return answer == b"200"


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ADDRESSES:
        more = ["nodad"] if ":" in address else []
        subprocess.run(["ip", "addr", "add", address, "dev", "lo", *more], check=True)
    subprocess.run(["nft", "-f", sys.argv[1]], check=True)
    subprocess.run(
        ["nft", "add", "element", "inet", "amphi_gateway", "meetings", "{", MEETING, "}"], check=True
    )
    for port in (80, 1935):
        for kind, host in ((http.server.ThreadingHTTPServer, "0.0.0.0"), (_Server6, "::1")):
            threading.Thread(target=kind((host, port), _Page).serve_forever, daemon=True).start()
    places = [
        ("127.0.0.1", 80),
        ("127.0.0.1", 1935),
        ("::1", 80),
        *((host, 80) for host in (PUBLIC, PRIVATE)),
    ]
    places += [(METADATA, 80), (MEETING, 80), ("::ffff:127.0.0.1", 80)]
    found = {f"{host} {port}": _as_user(functools.partial(_reaches, host, port)) for host, port in places}
    found |= {f"root {host}": _reaches(host, 80) for host in ("127.0.0.1", PRIVATE)}
    found |= {
        f"chromium {host}": _as_user(functools.partial(_shown, f"http://{host}/"))
        for host in (PUBLIC, PRIVATE)
    }
    found["answers who calls"] = _answers_who_calls()
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


main()
