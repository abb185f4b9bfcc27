"""From a publisher's voice to captions: the origin, ffmpeg, and PocketSphinx for real."""

import time

import pytest

from amphi.captioning.engines.sphinx import SphinxEngine
from amphi.captioning.session import Session
from tests.captioning.speech import speaking
from tests.live.pictures import origin, wait_for

pytestmark = pytest.mark.integration
PATIENCE_S = 90


def test_what_is_said_is_recognised_in_step_with_the_sound(tmp_path):
    told = []
    with origin(tmp_path) as (rtmp, http):
        url = f"http://{http}/hls/hall.m3u8"
        # Publishers don't wait for an origin that is still starting.
        wait_for(url, 404)
        with speaking("the weather is fine today", rtmp, tmp_path):
            wait_for(url, 200)
            session = Session("event 1", "en", address=lambda: url, engine=SphinxEngine(), keep=told.append)
            deadline = time.monotonic() + PATIENCE_S
            session.run(lambda: any(one.is_final for one in told) or time.monotonic() > deadline)
    final = next(one for one in told if one.is_final)
    # It may have begun to hear in the middle.
    assert final.text.endswith("fine today")
    assert final.at is not None
    assert final.until is not None
    assert 0.3 < (final.until - final.at).total_seconds() < 4
    # The origin's clock is this machine's: the words were on the air a moment ago.
    (delay_s,) = session.delays_s
    assert 0 < delay_s < 60
