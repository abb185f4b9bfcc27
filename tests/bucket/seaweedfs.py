"""SeaweedFS as one process: an S3 server that people run for real, from its package on PyPI."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import obstore
from obstore.store import S3Store

from tests import ports

KEY, SECRET = "amphi-tests", "a secret/of+the tests="
READER, READER_SECRET = "amphi-reader", "another-secret"
REGION = "us-east-1"
PATIENCE_S = 60.0
CREATED = (200, 409)
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")  # fmt: skip


@dataclass
class Server:
    """Its address, how it is started, and its process."""

    url: str
    command: list[str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Start it, with what it had before if there is something; back once it answers."""
        with (self.folder / "seaweedfs.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                httpx.get(self.url, timeout=5)
            except httpx.TransportError:
                assert self.process.poll() is None, "SeaweedFS ended"
                assert time.monotonic() < deadline, "SeaweedFS does not answer"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Its own way of stopping takes ten seconds."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)

    def make_bucket(self) -> str:
        """The address of a new bucket."""
        name = f"replays-{next(self._numbers)}"
        store = store_of(f"{self.url}/{name}")
        deadline = time.monotonic() + PATIENCE_S
        # At first it answers, and has no place for a bucket yet.
        while True:
            answer = httpx.put(obstore.sign(store, "PUT", "", timedelta(minutes=1)))
            if answer.status_code in CREATED:
                return f"{self.url}/{name}"
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)


def store_of(url: str) -> S3Store:
    """The bucket at an address, by the library alone."""
    server, _, name = url.rpartition("/")
    config = {
        "endpoint": server,
        "region": REGION,
        "access_key_id": KEY,
        "secret_access_key": SECRET,
        "virtual_hosted_style_request": False,
    }
    return S3Store(name, config=config, client_options={"allow_http": True})


def names_in(url: str) -> list[str]:
    """The names of all objects in the bucket at an address."""
    return sorted(one["path"] for some in obstore.list(store_of(url)) for one in some)


def identity(name: str, secret: str, *actions: str) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": list(actions)}


@contextmanager
def running(folder: Path, *, shown_on: str = "*") -> Iterator[Server]:
    """A server until the block is left.

    Args:
        folder: where its files are.
        shown_on: the origins whose pages may read what is in it.
    """
    keys = folder / "keys.json"
    keys.write_text(
        json.dumps(
            {
                "identities": [
                    identity(KEY, SECRET, "Admin", "Read", "Write", "List"),
                    identity(READER, READER_SECRET, "Read", "List"),
                ]
            }
        )
    )
    numbers = {name: ports.reserve() for name in _PORTS}
    data = folder / "data"
    data.mkdir()
    command = [
        str(Path(sys.executable).with_name("weed")), "-logtostderr", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        *(f"-{name}={number}" for name, number in numbers.items()),
        "-s3", f"-s3.config={keys}", "-s3.iam=false", "-s3.autoCreateBucket=false", f"-s3.allowedOrigins={shown_on}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false", "-master.electionTimeout=1s",
        "-volume.max=200", "-volume.minFreeSpace=0",
    ]  # fmt: skip
    server = Server(f"http://127.0.0.1:{numbers['s3.port']}", command, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
