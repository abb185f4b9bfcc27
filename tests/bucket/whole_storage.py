"""`make test-storage`: real workers and a real S3 server that die in mid-upload, and a file of many parts."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import services
from tests.bucket import seaweedfs

CHUNKS, CHUNK_BYTES = 600, 300_000
FILE_BYTES = 100_000_000
PATIENCE_S = 300.0
SEED = """
import sys
from datetime import timedelta
import django
django.setup()
from django.conf import settings
from django.utils import timezone
from amphi.audience.models import Airing, Replay
from amphi.audience.replays import away, library
from tests.audience import reels
from tests.factories import make_gateway, make_user, make_webinar
chunks, chunk_bytes, file_bytes = map(int, sys.argv[1:])
event = make_webinar(make_user("owner"), gateway=make_gateway("hall")).event
began_at = timezone.now().replace(microsecond=0) - timedelta(hours=2)
airing = Airing.objects.create(event=event, began_at=began_at, ended_at=began_at + timedelta(hours=1))
reels.record(settings.RECORDINGS, event.pk, began_at, [bytes([n % 256]) * chunk_bytes for n in range(chunks)])
file = library.files_of(event.pk) / "AAAAAAAA.mp4"
file.parent.mkdir()
file.write_bytes(b"x" * file_bytes)
Replay.objects.create(airing=airing, sheets=0, file_state="ready", file_name=file.name)
away.plan(Replay.objects.select_related("airing"))
"""
STATES = """
import django
django.setup()
from amphi.audience.models import BucketItem
print(*BucketItem.objects.values_list("state", flat=True))
"""
LATER = """
import django
django.setup()
from django.utils import timezone
from amphi.audience.models import BucketItem
BucketItem.objects.exclude(attempt_at=None).update(attempt_at=timezone.now())
"""


@pytest.fixture
def server(tmp_path) -> Iterator[seaweedfs.Server]:
    folder = tmp_path / "s3"
    folder.mkdir()
    with seaweedfs.running(folder) as one:
        yield one


@pytest.fixture
def place(server) -> str:
    return server.make_bucket()


@pytest.fixture
def env(tmp_path, place) -> services.Environment:
    """A platform with one replay that is to be uploaded."""
    found = services.environment(
        tmp_path,
        AMPHI_USE_MEETING_WEBINAR="1",
        AMPHI_RECORDINGS=str(tmp_path / "recordings"),
        AMPHI_BUCKET_URL=place,
        AMPHI_BUCKET_KEY=seaweedfs.KEY,
        AMPHI_BUCKET_SECRET=seaweedfs.SECRET,
        AMPHI_WORKER_HTTP="127.0.0.1:0",
    )
    services.migrate(found)
    services.python(found, "-c", SEED, str(CHUNKS), str(CHUNK_BYTES), str(FILE_BYTES))
    return found


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def in_folder(root: Path) -> dict[str, int]:
    return {str(one.relative_to(root)): one.stat().st_size for one in root.rglob("*") if one.is_file()}


def all_is_there(env: services.Environment, place: str) -> None:
    wait_until(lambda: services.python(env, "-c", STATES).split() == ["stored"] * 2, "it was never uploaded")
    found = {
        one["path"]: one["size"] for some in seaweedfs.obstore.list(seaweedfs.store_of(place)) for one in some
    }
    assert found == in_folder(Path(env["AMPHI_RECORDINGS"]))


def test_worker_that_is_killed_in_mid_upload(env, place, tmp_path):
    with ExitStack() as stack:
        worker = services.start(stack, env, tmp_path, "worker")
        wait_until(lambda: len(seaweedfs.names_in(place)) > CHUNKS // 3, "nothing is uploaded")
        worker.kill()
        worker.wait()
        assert len(seaweedfs.names_in(place)) < CHUNKS
        services.start(stack, env, tmp_path, "worker")
        all_is_there(env, place)


def test_server_that_is_killed_in_mid_upload(env, place, server, tmp_path):
    with ExitStack() as stack:
        services.start(stack, env, tmp_path, "worker")
        wait_until(lambda: len(seaweedfs.names_in(place)) > CHUNKS // 3, "nothing is uploaded")
        server.kill()
        log = tmp_path / "worker.log"
        wait_until(lambda: "BucketUnreachableError" in log.read_text(), "nothing is told in the log")
        server.start()
        services.python(env, "-c", LATER)
        all_is_there(env, place)
        assert seaweedfs.SECRET not in log.read_text()
