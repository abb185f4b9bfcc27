"""Driven as Esup-Pod 4.1 drives a SIPMediaGW, over HTTPS, through a join page."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.pod import Pod

from .conftest import TOKEN, GatewayProcess, wait_for

pytestmark = pytest.mark.browser
ROOM = "0f9e8d7c6b"


@pytest.fixture(scope="module")
def strict():
    """A gateway that verifies certificates, as operators have it."""
    process = GatewayProcess(warm=0)
    yield process
    process.close()


def progress(gateway):
    return gateway.client.get("/progress", params={"room": ROOM}).json()


def test_webinar_of_pod(make_gateway, https_meeting, rtmp):
    https_meeting.state, https_meeting.chat_open = "joined", True
    gateway = make_gateway(chromium_arguments="--ignore-certificate-errors", pod_chat=1, warm=0)
    pod = Pod(gateway.port, TOKEN)
    domain = f"localhost:{https_meeting.server.server_port}/form/0012-talk/abcdef/"
    for _ in range(2):
        assert pod.start(domain, ROOM, rtmp.url("pod")) == (200, None)
    # A webinar without chat: Pod toggles right after the start, long before the bot is there, to hide what BBB shows at first.
    assert pod.toggle(ROOM) == (200, None)
    assert pod.chat(ROOM, "too early") == (409, "error: this room is not on air")
    wait_for(lambda: progress(gateway)["job_state"] == "on_air")
    assert https_meeting.joins == [{"name": ["streaming"]}]
    assert https_meeting.chat_shown is False
    assert pod.toggle(ROOM) == (200, None)
    wait_for(lambda: https_meeting.chat_shown is True)

    assert pod.chat(ROOM, "(Ada Lovelace) $(id)\n<b>it's\u202e") == (200, None)
    wait_for(lambda: https_meeting.chat == ["(Ada Lovelace) $(id) <b>it’s"])
    with ThreadPoolExecutor(60) as listeners:
        answers = {status for status, _ in listeners.map(lambda _: pod.chat(ROOM, "again"), range(60))}
    assert answers == {200, 429}

    # Restart the broadcast only: a stop, and a start that does not wait for it.
    assert pod.stop(ROOM) == (200, None)
    assert pod.start(domain, ROOM, rtmp.url("pod")) == (200, None)
    wait_for(lambda: progress(gateway)["job_state"] == "on_air")
    assert len(https_meeting.joins) == 2
    assert pod.stop(ROOM) == (200, None)
    wait_for(lambda: progress(gateway).get("gw_state") == "down")
    assert len(rtmp.recordings()) == 2


def test_page_whose_certificate_does_not_verify_is_not_entered(strict, https_meeting, rtmp):
    https_meeting.state = "joined"
    host = f"localhost:{https_meeting.server.server_port}"
    assert Pod(strict.port, TOKEN).start(f"{host}/form/1/a", ROOM, rtmp.url("pod")) == (200, None)
    job = strict.wait_for_state(f"room-{ROOM}", "idle")
    assert job["reason"] == "join_refused"
    assert job["detail"] == f"the certificate of {host} is not trusted: ERR_CERT_AUTHORITY_INVALID"
    assert https_meeting.joins == []
    assert not rtmp.recordings()


def test_meeting_behind_a_join_page_is_not_entered_either(strict, https_meeting, other_meeting, rtmp):
    https_meeting.state = "joined"
    host = f"localhost:{https_meeting.server.server_port}"
    other_meeting.sends_to = f"https://{host}/meeting"
    join_url = other_meeting.join_url.replace("/meeting", "/form")
    spec = {"join_url": join_url, "rtmp_url": rtmp.url("x"), "room": "x", "show_chat": False}
    strict.client.put("/jobs/x", json=spec)
    job = strict.wait_for_state("x", "idle")
    assert (job["reason"], job["detail"].split(" is not trusted")[0]) == (
        "join_refused",
        f"the certificate of {host}",
    )
    assert len(other_meeting.joins) == 1
    assert https_meeting.joins == []
