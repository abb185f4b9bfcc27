"""The whole chain: a demo, a presenter, a listener, real picture and sound."""

from tests.conftest import CHROMIUM
from tests.e2e.conftest import Demos
from tests.e2e.rehearsing import hold


def test_a_webinar_from_start_to_end(demos: Demos) -> None:
    (rehearsal,) = hold(demos["own"])
    rehearsal.check()
    assert rehearsal.report["gateway_cpu_cores"] > 0
    assert 0 <= rehearsal.report["frames_dropped_ratio"] < 0.5


def test_of_two_webinars_at_once_each_listener_sees_and_reads_their_own(demos: Demos) -> None:
    """Two take more than a small machine has, so that no time is held against a threshold, and the robots have a lighter browser."""
    for rehearsal in hold(demos["own"], at_once=2, seconds=12, AMPHI_CHROMIUM=CHROMIUM):
        # It fails by itself when its listener is shown another's clock, or not told what its presenter wrote.
        assert rehearsal.what_is_not_a_timing == [], rehearsal
        assert rehearsal.report["glass_to_glass_p50_s"] is not None
