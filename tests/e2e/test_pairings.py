"""Webinars on other systems than the demo's own: a rehearsal as a person holds it passes on each."""

from tests.contract.proxy_of_sipmediagw import Proxy
from tests.e2e.conftest import Demos
from tests.e2e.rehearsing import hold


def test_bigbluebutton_2_7_with_our_gateway_and_nginx_rtmp(demos: Demos) -> None:
    demo = demos["nginx-rtmp"]
    (rehearsal,) = hold(demo)
    meeting_server = (demo.var / "log" / "classroom.log").read_text()
    demos.end("nginx-rtmp").result()
    rehearsal.check()
    assert rehearsal.report["thresholds"]["glass_to_glass_p50_s"] == 12, "nginx-rtmp has no partial segments"
    assert rehearsal.report["gateway_cpu_cores"] > 0
    assert "as BigBlueButton 2.7." in meeting_server, (
        "which has no call for the listener's messages: they were typed"
    )


def test_bigbluebutton_3_0_with_our_gateway_behind_the_proxy_of_sipmediagw(
    demos: Demos, proxy: Proxy
) -> None:
    (rehearsal,) = hold(demos["proxy"])
    asked = [request.path for request in proxy.server.requests]
    demos.end("proxy").result()
    assert proxy.gateways == {}, "the gateway took its names back when it ended"
    rehearsal.check()
    assert rehearsal.report["thresholds"]["glass_to_glass_p50_s"] == 3
    assert rehearsal.report["gateway_cpu_cores"] is None, "SIPMediaGW does not tell"
    # The live was stopped by the presenter and started again, then the meeting was ended.
    assert asked.count("/start") == 2
    assert asked.count("/stop") >= 2
