"""A real nginx in front of what tests run, and the certificate that it shows."""

import base64
import contextlib
import hashlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import ports

PATIENCE_S = 60.0
DEPLOY = Path(__file__).parents[1] / "deploy" / "nginx"
MODULES = Path("/usr/lib/nginx/modules")


def free_ports(count: int) -> list[int]:
    """That many different loopback ports that nobody listens on."""
    return [ports.reserve() for _ in range(count)]


@dataclass(frozen=True)
class Certificate:
    """A certificate for ``localhost`` and 127.0.0.1 that nobody else signed.

    Attributes:
        spki: the digest of its public key, by which Chromium can be told to accept it, and it alone.
    """

    file: Path
    key: Path
    spki: str

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust it."""
        return ssl.create_default_context(cafile=self.file)


def _openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *arguments], input=given, check=True, capture_output=True, timeout=PATIENCE_S
    )
    return done.stdout


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate in `folder`, with its key."""
    file, key = folder / "cert.pem", folder / "key.pem"
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", file,
    )  # fmt: skip
    return Certificate(file, key, spki(_openssl("x509", "-in", file, "-pubkey", "-noout")))


def spki(public_key: bytes) -> str:
    """The digest of a public key, in PEM, as Chromium's ``--ignore-certificate-errors-spki-list`` has it."""
    der = _openssl("pkey", "-pubin", "-outform", "DER", given=public_key)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def check_syntax(configuration: Path) -> None:
    """``nginx -t``."""
    done = subprocess.run(
        ["nginx", "-t", "-p", str(configuration.parent), "-c", str(configuration)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def running_nginx(folder: Path, configuration: str, *, port: int) -> Iterator[None]:
    """Run nginx with what the configuration says, in `folder`, until the block is left; it answers on `port`.

    Workers run as root when the tests do, so that they reach the tests' folders; what is made for users runs as nginx's own.
    """
    file = folder / "nginx.conf"
    (folder / "nginx-tmp").mkdir(exist_ok=True)
    file.write_text(configuration)
    check_syntax(file)
    log = folder / "nginx.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["nginx", "-p", str(folder), "-c", str(file)], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        shutil.rmtree(folder / "nginx-tmp", ignore_errors=True)


def frame(folder: Path, *, http: str = "", modules: tuple[str, ...] = (), rtmp: str = "") -> str:
    """A whole configuration around what a test is about; everything is written below `folder`."""
    loads = "".join(f"load_module {MODULES / name};\n" for name in modules)
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"  {name}_temp_path {folder}/nginx-tmp/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Types as Debian's nginx.conf has them: a type that is missing there is missing here.
    types = "  include /etc/nginx/mime.types;\n  default_type application/octet-stream;\n"
    blocks = f"http {{\n{types}{temporary}  access_log off;\n{http}\n}}\n" if http else ""
    return (
        f"{loads}{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        f"events {{ worker_connections 512; }}\n{blocks}{rtmp}"
    )


def adapted(name: str, **replaced: str) -> str:
    """A file of ``deploy/nginx``, that operators copy, with a test's ports and folders."""
    text = (DEPLOY / name).read_text()
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class LiveServer:
    """nginx-rtmp as we give it.

    Attributes:
        rtmp_port: where it takes RTMP.
        http_port: where its HLS is read.
        hls: the folder of its HLS.
    """

    rtmp_port: int
    http_port: int
    hls: Path

    def rtmp_url(self, stream: str, key: str) -> str:
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{stream}?key={key}"

    def hls_url(self, stream: str) -> str:
        return f"http://127.0.0.1:{self.http_port}/hls/{stream}.m3u8"


@contextlib.contextmanager
def running_live_server(folder: Path, *, web: str) -> Iterator[LiveServer]:
    """Run nginx-rtmp until the block is left; `web`, ``host:port`` of the platform, decides who publishes."""
    rtmp_port, http_port = free_ports(2)
    hls = folder / "hls"
    hls.mkdir()
    here = {"/var/lib/amphi-hls": str(hls)}
    rtmp = adapted(
        "rtmp.conf", **{"listen 1935": f"listen 127.0.0.1:{rtmp_port}", "127.0.0.1:8000": web}, **here
    )
    http = adapted("rtmp-hls.conf", **{"127.0.0.1:8003": f"127.0.0.1:{http_port}"}, **here)
    configuration = frame(folder, http=http, rtmp=rtmp, modules=("ngx_rtmp_module.so",))
    with running_nginx(folder, configuration, port=http_port):
        yield LiveServer(rtmp_port, http_port, hls)
