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
PLAYS_ON = """() => {
  const video = document.getElementById("video");
  const seen = (window.seen = { heights: [] });
  const note = () => {
    if (seen.heights.at(-1) !== video.videoHeight) seen.heights.push(video.videoHeight);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  video.muted = true;
  video.playbackRate = 2;
  return video.play();
}"""
SHOWS = """([at, height]) => {
  const video = document.getElementById("video");
  return video.currentTime >= at && video.videoHeight === height && !video.seeking && video.readyState >= 2;
}"""
GOES_TO = "at => { const video = document.getElementById('video'); video.pause(); video.currentTime = at; }"
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


def test_while_the_live_runs_a_listener_goes_back_past_the_change(url, audience_chromium):
    """From its start over both changes, back to before the first, and on into what came after it."""
    Airing.objects.update(ended_at=None)

    def goes_to(page: Page, at: float, height: int) -> None:
        page.evaluate(GOES_TO, at)
        page.wait_for_function(SHOWS, arg=[at, height])

    with visiting(audience_chromium, url) as visit:
        visit(lambda page: page.wait_for_function("() => document.getElementById('video').readyState >= 2"))
        visit(lambda page: page.evaluate(PLAYS_ON))
        visit(lambda page: page.wait_for_function(SHOWS, arg=[2 * SECONDS + 1, HEIGHTS[2]]))
        assert visit(lambda page: page.evaluate("seen.heights")) == HEIGHTS
        visit(lambda page: goes_to(page, 1, HEIGHTS[0]))
        visit(lambda page: goes_to(page, SECONDS + 1, HEIGHTS[1]))
        visit(lambda page: goes_to(page, SECONDS - 1, HEIGHTS[0]))
        visit(lambda page: page.evaluate(PLAYS_ON))
        visit(
            lambda page: page.wait_for_function(
                "heights => seen.heights.join().startsWith(heights)", arg="180,480"
            )
        )
        # It is the live's replay: the way to the live stands beside it.
        assert visit(lambda page: page.get_attribute(".btn-go-live", "href")) in url
