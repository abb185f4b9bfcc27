"""Webinars on other systems than the demo's own: a rehearsal as a person holds it passes on each, both at the same time.

Two take more than a small machine has: of what is timed, only how old the picture is stays well below its threshold all the same. The robots have a lighter browser.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import CHROMIUM
from tests.contract.proxy_of_sipmediagw import Proxy
from tests.e2e.conftest import Demos
from tests.e2e.rehearsing import Rehearsal, hold


@pytest.fixture(scope="module")
def held(demos: Demos) -> dict[str, Rehearsal]:
    names = ("nginx-rtmp", "proxy")
    with ThreadPoolExecutor(len(names)) as pool:
        return {
            name: found
            for name, (found,) in zip(
                names, pool.map(lambda name: hold(demos[name], AMPHI_CHROMIUM=CHROMIUM), names), strict=True
            )
        }


def _passes(rehearsal: Rehearsal, picture_s: float) -> None:
    assert rehearsal.what_is_not_a_timing == [], rehearsal
    assert rehearsal.report["thresholds"]["glass_to_glass_p50_s"] == picture_s
    assert rehearsal.report["glass_to_glass_p50_s"] < picture_s


def test_bigbluebutton_2_7_with_our_gateway_and_nginx_rtmp(demos: Demos, held: dict[str, Rehearsal]) -> None:
    demo = demos["nginx-rtmp"]
    # It has no partial segments.
    _passes(held["nginx-rtmp"], 12)
    assert held["nginx-rtmp"].report["gateway_cpu_cores"] > 0
    assert "as BigBlueButton 2.7." in (demo.var / "log" / "classroom.log").read_text(), (
        "which has no call for the listener's messages: they were typed"
    )
    demos.end("nginx-rtmp").result()


def test_bigbluebutton_3_0_with_our_gateway_behind_the_proxy_of_sipmediagw(
    demos: Demos, proxy: Proxy, held: dict[str, Rehearsal]
) -> None:
    asked = [request.path for request in proxy.server.requests]
    demos.end("proxy").result()
    assert proxy.gateways == {}, "the gateway took its names back when it ended"
    _passes(held["proxy"], 3)
    assert held["proxy"].report["gateway_cpu_cores"] is None, "SIPMediaGW does not tell"
    # The live was stopped by the presenter and started again, then the meeting was ended.
    assert asked.count("/start") == 2
    assert asked.count("/stop") >= 2
