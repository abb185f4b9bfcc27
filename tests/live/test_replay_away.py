"""A replay whose recording is in a bucket of a real S3 server: uploaded, watched to its end, downloaded, deleted everywhere."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from playwright.sync_api import Page

from amphi.audience.models import Airing, BucketItem, Event, Replay, ReplayFor
from amphi.audience.replays import editing, library
from amphi.system import recordings
from amphi.worker import replays, uploads
from tests.audience import reels, web_process
from tests.browser import faults
from tests.bucket import seaweedfs
from tests.live.visits import Hall, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECONDS = 12


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[seaweedfs.Server]:
    with seaweedfs.running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def place(s3, settings, tmp_path) -> str:
    """A bucket of the platform's; returns its address."""
    settings.RECORDINGS = tmp_path / "recordings"
    settings.BUCKET_URL = s3.make_bucket()
    settings.BUCKET_KEY, settings.BUCKET_SECRET = seaweedfs.KEY, seaweedfs.SECRET
    return settings.BUCKET_URL


@pytest.fixture
def away_web(transactional_db, free_port, tmp_path, place) -> Iterator[web_process.Web]:
    """`amphi web` with recordings and a bucket, on the tests' database."""
    variables = {
        "AMPHI_RECORDINGS": str(tmp_path / "recordings"),
        "AMPHI_BUCKET_URL": place,
        "AMPHI_BUCKET_KEY": seaweedfs.KEY,
        "AMPHI_BUCKET_SECRET": seaweedfs.SECRET,
    }
    with web_process.running(free_port, tmp_path, **variables) as one:
        yield one


def work() -> None:
    """What the worker's lanes do until nothing is due."""
    while leases := [*replays.claim_due(limit=1), *uploads.claim_due(limit=1)]:
        for lease in leases:
            (replays.make if lease.rows is Replay else uploads.carry_out)(lease)


def local(event_id: int) -> list[str]:
    """What kinds of files are in the folder of an event's recordings; their names are random."""
    folder = library.folder_of(event_id)
    return sorted(one.suffix for one in folder.rglob("*") if one.is_file())


def leave() -> None:
    """The time for which things stay in the folder has passed."""
    BucketItem.objects.exclude(local_until=None).update(local_until=timezone.now())
    replays.tidy(timezone.now())


def play_to_the_end(page: Page) -> None:
    page.evaluate(
        "() => { const video = document.getElementById('video'); video.muted = true; video.playbackRate = 4; return video.play(); }"
    )
    page.wait_for_selector("#stage[data-ended]")


def downloaded_bytes(page: Page) -> int:
    """Press on the link to the file; returns the size of what is then on the disk."""
    with page.expect_download() as waiting:
        page.click("a[download]")
    return Path(waiting.value.path()).stat().st_size


def test_replay_in_a_bucket(hall: Hall, away_web, audience_chromium, tmp_path: Path, settings):
    place = settings.BUCKET_URL
    init, chunks = reels.pictures(tmp_path, SECONDS)
    event = hall.event
    began_at = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    airing = Airing.objects.create(event=event, began_at=began_at, ended_at=began_at + timedelta(seconds=30))
    replay = Replay.objects.create(airing=airing, shown_to=ReplayFor.ATTENDEES)
    Event.objects.filter(pk=event.pk).update(state="over")
    reels.record(settings.RECORDINGS, event.pk, began_at, chunks, init=init)
    work()
    assert len(seaweedfs.names_in(place)) == len(chunks) + 2
    # The small pictures and the index stay in the folder.
    leave()
    assert local(event.pk) == ["", ".jpg"]
    url = f"{away_web.url}{hall.path}replay/{replay.pk}/"
    with visiting(audience_chromium, url) as visit:
        visit(play_to_the_end)
        assert visit(faults) == []

    # The file is made of what comes back from there, and downloaded from there.
    editing.ask_for_file(replay)
    work()
    leave()
    assert local(event.pk) == ["", ".jpg"]
    replay.refresh_from_db()
    with visiting(audience_chromium, url) as visit:
        address = visit(lambda page: page.get_attribute("a[download]", "href"))
        assert visit(downloaded_bytes) > sum(map(len, chunks)) / 2
    led = httpx.get(f"{away_web.url}{address}")
    assert led.status_code == 302
    assert led.headers["location"].startswith(f"{place}/{event.pk}/files/{replay.file_name}?")
    assert led.headers["cache-control"] == "no-store"
    # Without a ticket that is good, nobody is led anywhere.
    assert httpx.get(f"{away_web.url}{address.replace('/t/', '/t/x')}").status_code == 403

    # Its days have passed: it is gone everywhere.
    Replay.objects.update(delete_at=timezone.now() - timedelta(minutes=1), played_at=None)
    replays.tidy(timezone.now())
    work()
    assert seaweedfs.names_in(place) == []
    BucketItem.objects.update(attempt_at=timezone.now())
    work()
    assert not BucketItem.objects.exists()
    assert local(event.pk) == []
    assert recordings.of_event(settings.RECORDINGS, event.pk) == []
