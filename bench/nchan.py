"""Who writes to thousands of listeners: the web server through nginx, as it is, or nginx itself with nchan. Processor time of a delivery, in one run.

Both have the same listeners and the same messages at the same pace; nchan is given the batches that our hub would write, each as one
message. Counted are nginx and the web server, or nginx and whoever publishes; not what a listener needs besides messages, which nchan
does not know: the state at the begin, what was missed, rights, and who is there. Run it as ``python -m bench.nchan [LISTENERS]``.
"""

import asyncio
import contextlib
import http.client
import json
import multiprocessing
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench import fanout
from tests import nginx

BATCH_S = 0.2
PATIENCE_S = 60.0
OURS = """
  upstream web {{ server 127.0.0.1:{web}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 60s; }}
  }}
"""
NCHAN = """
  nchan_max_reserved_memory 64M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /publish {{ nchan_publisher http; nchan_channel_id hall; nchan_message_buffer_length 64; }}
    location / {{ nchan_subscriber eventsource; nchan_channel_id hall; nchan_subscriber_first_message oldest; }}
  }}
"""


class Meter:
    """Stands for the pipe of `fanout.listen`: told to go, it begins to count and to publish; told that all have it, it stops.

    Args:
        pid: of nginx.
        begin: has the messages sent.
    """

    def __init__(self, pid: int, begin: "threading.Thread | multiprocessing.connection.Connection") -> None:
        self._pid = pid
        self._begin = begin
        self._before = 0.0
        self.cpu_s = 0.0

    def send(self, word: str) -> None:
        """`fanout.listen` says how far it is."""
        if word == "go":
            self._before = cpu_s(self._pid)
            self._begin.start() if isinstance(self._begin, threading.Thread) else self._begin.send(word)
            return
        self.cpu_s = cpu_s(self._pid) - self._before
        if not isinstance(self._begin, threading.Thread):
            self._begin.send(word)


def cpu_s(pid: int) -> float:
    """Processor seconds of nginx with its workers."""
    parent = psutil.Process(pid)
    times = [one.cpu_times() for one in (parent, *parent.children())]
    return sum(one.user + one.system for one in times)


@contextlib.contextmanager
def serving(text: str, port: int, modules: tuple[Path, ...] = ()) -> Iterator[int]:
    """Nginx with this configuration; its process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        whole = nginx.frame(folder, http=text).replace("worker_connections 512;", "worker_connections 32768;")
        loads = "".join(f"load_module {one};\n" for one in modules)
        with nginx.running_nginx(
            folder, loads + (nginx.DEPLOY / "limits.conf").read_text() + whole, port=port
        ):
            yield int((folder / "nginx.pid").read_text())


def ours(listeners: int) -> float:
    """Deliveries for each second of processor time: the web server, and nginx before it."""
    (port,) = nginx.free_ports(1)
    near, far = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=fanout.serve, args=("ours", listener, far, listeners), daemon=True
        )
        process.start()
        try:
            with serving(OURS.format(web=listener.getsockname()[1], port=port), port) as pid:
                meter = Meter(pid, near)
                asyncio.run(fanout.listen(port, listeners, meter))  # type: ignore[arg-type]  # what it needs of a pipe
                web_s = fanout.MESSAGES * listeners / float(near.recv())
        finally:
            process.terminate()
            process.join()
    return fanout.MESSAGES * listeners / (web_s + meter.cpu_s)


def nchan(listeners: int, module: Path) -> float:
    """Deliveries for each second of processor time: nginx with nchan, and the thread that publishes."""
    (port,) = nginx.free_ports(1)
    own_s = 0.0

    def publish() -> None:
        nonlocal own_s
        batch: list[bytes] = []
        sent_at = time.monotonic()
        for number in range(1, fanout.MESSAGES + 1):
            data = json.dumps({"id": number, "text": fanout.TEXT})
            batch.append(f"id: {number}\nevent: message\ndata: {data}\n\n".encode())
            time.sleep(fanout.PACE_S)
            if time.monotonic() - sent_at >= BATCH_S or number == fanout.MESSAGES:
                post(port, b"".join(batch))
                batch, sent_at = [], time.monotonic()
        own_s = time.thread_time()

    with serving(NCHAN.format(port=port), port, (module,)) as pid:
        post(port, b"event: snapshot\n\n")
        meter = Meter(pid, threading.Thread(target=publish))
        asyncio.run(fanout.listen(port, listeners, meter))  # type: ignore[arg-type]  # what it needs of a pipe
    return fanout.MESSAGES * listeners / (own_s + meter.cpu_s)


def post(port: int, body: bytes) -> None:
    """Publish one message."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(line):
        line.request("POST", "/publish", body)
        answer = line.getresponse()
        if answer.status >= http.client.BAD_REQUEST:
            raise ConnectionError(f"nchan answers {answer.status}")


def debians_module(folder: Path) -> Path:
    """Debian's nchan, unpacked and not installed."""
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "libnginx-mod-nchan"]
    subprocess.run(command, cwd=folder, check=True, timeout=PATIENCE_S)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True, timeout=PATIENCE_S)
    return folder / "usr/lib/nginx/modules/ngx_nchan_module.so"


def main(listeners: int = fanout.LISTENERS) -> int:
    """Measure both and print the ratio."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4 * listeners + 512, hard)), hard))
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        found = {"ours": ours(listeners), "nchan": nchan(listeners, debians_module(Path(name)))}
    numbers = {f"{name}_deliveries_per_cpu_s": round(value) for name, value in found.items()}
    print(json.dumps({"listeners": listeners, **numbers, "ratio": round(found["ours"] / found["nchan"], 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
