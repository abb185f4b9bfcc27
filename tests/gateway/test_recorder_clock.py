"""The recorder page's clock, tick by tick: what is encoded when, on a machine that is on time and on one that is not."""

import itertools
from importlib import resources

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

pytestmark = pytest.mark.browser
FPS = 25

# Time is what the test says: encodeTick is called with each tick that was due, and the encoder only notes what it is given.
RUN = """({ ticks, moves, mode }) => {
  const encoded = [];
  const picture = { close() {} };
  window.VideoFrame = class { constructor(_, { timestamp }) { this.timestamp = timestamp; } close() {} };
  Object.assign(recorder, { options: { fps: 25 }, mode, newest: null, picture, isFresh: false, tick: 0,
    lastTick: -1, lastKeyTick: -1, startMs: 0, keyWanted: true,
    encoder: { encodeQueueSize: 0, encode: (frame, { keyFrame }) => encoded.push([frame.timestamp / 40000, keyFrame]) } });
  for (const tick of ticks) {
    if (moves) { recorder.newest = { close() {} }; recorder.newestMs = tick * 40; }
    encodeTick(tick);
  }
  return encoded;
}"""


@pytest.fixture(scope="module")
def encoded():
    """What is encoded when these ticks are due."""
    script = (resources.files("amphi.gateway") / "static" / "recorder.js").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.add_script_tag(content=script)
        yield lambda ticks, *, moves, mode="live": [
            (tick, is_key)
            for tick, is_key in page.evaluate(RUN, {"ticks": list(ticks), "moves": moves, "mode": mode})
        ]
        browser.close()


def starts(ticks, length):
    """The first of the ticks in each stretch of that many."""
    return [next(group) for _, group in itertools.groupby(ticks, lambda tick: tick // length)]


# A tick that the machine had no time for is passed over: every third, a stretch, all but a few.
LATE = [
    [tick for tick in range(200) if tick % 3],
    [tick for tick in range(200) if not 20 < tick < 60],
    [tick for tick in range(200) if tick % 25 in {3, 4, 22}],
    [0, 24, 26, 49, 50, 99, 124, 125, 199],
]


@pytest.mark.parametrize(
    "ticks", [range(200), *LATE], ids=["on time", "every third", "a stretch", "few", "hardly any"]
)
def test_each_second_that_has_a_picture_begins_with_a_keyframe(encoded, ticks):
    for moves in (True, False):
        pictures = encoded(ticks, moves=moves)
        assert [tick for tick, is_key in pictures if is_key] == starts([tick for tick, _ in pictures], FPS)


def test_moving_picture_is_sent_at_each_tick(encoded):
    assert [tick for tick, _ in encoded(range(60), moves=True)] == list(range(60))


def test_still_picture_is_sent_five_times_a_second(encoded):
    assert [tick for tick, _ in encoded(range(60), moves=False)] == list(range(0, 60, 5))


@pytest.mark.parametrize("mode", ["still", "hold"])
def test_moving_picture_may_be_kept_still(encoded, mode):
    assert [tick for tick, _ in encoded(range(60), moves=True, mode=mode)] == list(range(0, 60, 5))


@pytest.mark.parametrize("ticks", LATE)
def test_still_picture_is_sent_in_each_fifth_of_a_second_that_the_machine_had_time_for(encoded, ticks):
    assert [tick for tick, _ in encoded(ticks, moves=False)] == starts(ticks, 5)
