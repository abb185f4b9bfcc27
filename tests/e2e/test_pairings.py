"""Webinars on other systems than the demo's own: a rehearsal as a person holds it passes on each."""

from contextlib import closing
from pathlib import Path

from tests.contract.proxy_of_sipmediagw import Proxy
from tests.demo.running import make_tables
from tests.e2e.pairings import PROXY_TOKEN, with_nginx_rtmp, with_sipmediagw_proxy
from tests.e2e.rehearsing import hold


def test_bigbluebutton_2_7_with_our_gateway_and_nginx_rtmp(tmp_path: Path) -> None:
    make_tables(tmp_path / "var")
    with with_nginx_rtmp(tmp_path) as demo:
        (rehearsal,) = hold(demo)
        meeting_server = (demo.var / "log" / "classroom.log").read_text()
    rehearsal.check()
    assert rehearsal.report["thresholds"]["glass_to_glass_p50_s"] == 12, "nginx-rtmp has no partial segments"
    assert rehearsal.report["gateway_cpu_cores"] > 0
    assert "as BigBlueButton 2.7." in meeting_server, (
        "which has no call for the listener's messages: they were typed"
    )


def test_bigbluebutton_3_0_with_our_gateway_behind_the_proxy_of_sipmediagw(tmp_path: Path) -> None:
    make_tables(tmp_path / "var")
    with closing(Proxy(PROXY_TOKEN)) as proxy:
        with with_sipmediagw_proxy(proxy, tmp_path) as demo:
            (rehearsal,) = hold(demo)
        asked = [request.path for request in proxy.server.requests]
        assert proxy.gateways == {}, "the gateway took its names back when it ended"
    rehearsal.check()
    assert rehearsal.report["thresholds"]["glass_to_glass_p50_s"] == 3
    assert rehearsal.report["gateway_cpu_cores"] is None, "SIPMediaGW does not tell"
    # The live was stopped by the presenter and started again, then the meeting was ended.
    assert asked.count("/start") == 2
    assert asked.count("/stop") >= 2
