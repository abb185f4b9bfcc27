"""The file of a replay whose publishers sent other sizes, profiles and sample rates, in a real browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from amphi.audience.models import Airing, Event, Replay, ReplayFor
from amphi.audience.replays import library
from amphi.worker.movies import movie
from tests.audience import published, web_process
from tests.live.visits import Hall, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECONDS = 4
PICTURES = 3 * SECONDS * 25
HEIGHTS = [180, 480, 180]
FILE = "abcdefgh.mp4"
WATCHED = """name => {
  const video = document.getElementById("video");
  const seen = (window.seen = { heights: [], error: null });
  const note = () => {
    if (seen.heights.at(-1) !== video.videoHeight) seen.heights.push(video.videoHeight);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  video.addEventListener("error", () => { seen.error = video.error.message; });
  video.muted = true;
  const playlist = performance.getEntriesByType("resource").map(one => one.name).find(one => one.endsWith("main.m3u8"));
  video.src = playlist.replace("main.m3u8", `files/${name}`);
  video.playbackRate = 2;
  return video.play();
}"""
IS_OVER = "() => seen.error || document.getElementById('video').ended"
COUNTED = "document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(scope="module")
def publishers(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("published")
    small, large = (
        published.flv(folder, SECONDS, *extra)
        for extra in (published.SMALL, (*published.LARGE, *published.LOWER))
    )
    return [small, large, small]


@pytest.fixture
def recording_web(transactional_db, free_port, tmp_path) -> Iterator[web_process.Web]:
    with web_process.running(free_port, tmp_path, AMPHI_RECORDINGS=str(tmp_path / "recordings")) as one:
        yield one


@pytest.fixture
def url(hall: Hall, recording_web, tmp_path: Path, settings, publishers) -> str:
    """The address of the replay, which has a file."""
    settings.RECORDINGS = tmp_path / "recordings"
    began_at = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    event = hall.event
    airing = Airing.objects.create(event=event, began_at=began_at, ended_at=began_at + timedelta(seconds=30))
    replay = Replay.objects.create(airing=airing, shown_to=ReplayFor.ATTENDEES)
    published.record(settings.RECORDINGS, event.pk, began_at, publishers)
    Event.objects.filter(pk=event.pk).update(state="over")
    folder = library.files_of(event.pk)
    folder.mkdir()
    movie.write(library.folder_of(event.pk), library.reel(replay).chunks, folder / FILE)
    return f"{recording_web.url}{hall.path}replay/{replay.pk}/"


def test_all_of_it_plays(url, audience_chromium):
    def seen(page: Page) -> tuple[str | None, list[int], int]:
        page.wait_for_function(IS_OVER)
        return page.evaluate("seen.error"), page.evaluate("seen.heights"), page.evaluate(COUNTED)

    with visiting(audience_chromium, url) as visit:
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').readyState >= 2"))
        visit(lambda page: page.evaluate(WATCHED, FILE))
        error, heights, pictures = visit(seen)
    assert (error, heights, pictures) == (None, HEIGHTS, PICTURES)
