"""Driven by the proxy of SIPMediaGW 1.8, through the short form of the join page."""

import pytest

from tests.contract.proxy_of_sipmediagw import Proxy

from .conftest import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def proxy():
    server = Proxy("a-token-of-the-proxy")
    yield server
    server.close()


def test_webinar_of_the_proxy(make_gateway, https_meeting, rtmp, proxy):
    https_meeting.state = "joined"
    gateway = make_gateway(
        max_jobs=1,
        chromium_arguments="--ignore-certificate-errors",
        join_prefix=f"https://localhost:{https_meeting.server.server_port}/form",
        proxy_url=proxy.url,
        proxy_token=proxy.token,
        proxy_id="amphi0",
    )
    wait_for(lambda: proxy.gateways)
    room = "webinar-12-0f9e8d7c6b"
    https_meeting.door.clear()
    assert proxy.start(room, rtmp_dst=rtmp.url("d"))["data"] == {
        "processing_state": "working",
        "gw_id": "amphi0",
    }
    assert proxy.command("amphi0", "displayName", "l’amphi d’honneur")["status"] == "success"

    https_meeting.door.set()

    def status():
        return gateway.client.get("/gateway/status?gw_id=amphi0").json()["data"]

    wait_for(lambda: status().get("job_state") == "on_air")
    assert status()["streaming_duration"].startswith("00:0")
    assert https_meeting.joins == [{"name": ["l’amphi d’honneur"]}]
    assert proxy.command("amphi0", "displayName", "Ada")["error"]["code"] == 409
    assert proxy.command("amphi0", "sendChat", "Ada: $(id) ’quoted’")["data"]["ack"] is True
    wait_for(lambda: https_meeting.chat == ["Ada: $(id) ’quoted’"])
    assert proxy.command("amphi0", "endCall")["data"]["ack"] is True
    wait_for(lambda: status()["gw_state"] == "down")
    assert status()["reason"] == "stopped"
    assert len(rtmp.recordings()) == 1
