"""A webinar's whole life by curl alone, over a real socket; a worker looks between the calls."""

import json
import subprocess

import pytest

from amphi.webinars.models import Livestream, State
from tests.api.conftest import bearer
from tests.factories import in_hours, make_gateway, make_user
from tests.webinars.looking import look
from tests.webinars.stage import open_stage

pytestmark = pytest.mark.django_db(transaction=True)
TIMEOUT_S = 60


@pytest.fixture
def stage(settings, live_server):
    made, server = open_stage()
    settings.AMPHI_URL = live_server.url
    settings.BBB_API_URL, settings.BBB_SECRET_KEY = f"{made.url}/bigbluebutton", "secret"
    make_gateway("room", sipmediagw_url=made.url, hls_url=f"{made.url}/hls/room.m3u8")
    yield made
    server.shutdown()
    server.server_close()


def curl(url: str, authorization: str, method: str, given: object = None) -> tuple[int, dict]:
    """The answer to one call, as a shell has it."""
    body = [] if given is None else ["--json", json.dumps(given)]
    command = ["curl", "--silent", "--noproxy", "*", "--request", method, "--write-out", "\n%{http_code}"]
    header = ["--header", f"Authorization: {authorization}"]
    done = subprocess.run(
        [*command, *header, *body, url], check=True, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def test_whole_life_by_curl(stage, live_server):
    authorization = bearer(make_user("marie"))

    def call(method: str, path: str, given: object = None) -> tuple[int, dict]:
        return curl(f"{live_server.url}/api/v1/webinars{path}", authorization, method, given)

    new = {"name": "Physique, cours 4", "start_at": in_hours(0.1).isoformat(), "duration_minutes": 60}
    status, made = call("POST", "", new)
    assert (status, made["live"]["state"]) == (201, "idle")
    path = f"/{made['slug']}"
    assert call("PATCH", path, {"description": "Ondes"})[1]["description"] == "Ondes"
    status, started = call("POST", f"{path}/start")
    assert (status, started["join_url"].startswith(f"{stage.url}/bigbluebutton/api/join?")) == (200, True)
    assert call("GET", path)[1]["live"]["state"] == "starting"
    live = Livestream.objects.select_related("meeting", "event", "gateway__broadcaster").get()
    stage.sequence, stage.advancing = 1, True
    look(live, 3)
    shown = call("GET", path)[1]["live"]
    assert (shown["state"], shown["can"]) == ("live", ["stop", "restart", "end"])
    assert call("POST", f"{path}/restart")[1]["live"]["state"] == "recovering"
    look(live, 4)
    assert call("GET", path)[1]["live"]["state"] == "live"
    assert call("POST", f"{path}/stop")[1]["live"]["state"] == "stopping"
    look(live, 3)
    assert call("GET", path)[1]["live"]["state"] == "stopped"
    assert call("POST", f"{path}/stop")[0] == 409
    status, _ = call("POST", f"{path}/end")
    assert status == 200
    look(live, 3)
    assert not call("GET", path)[1]["is_open"]
    (airing,) = call("GET", f"{path}/airings")[1]["items"]
    assert airing["ended_at"] is not None
    assert call("DELETE", path) == (200, {"is_deleted": True})
    assert call("GET", path)[0] == 404
    assert not Livestream.objects.filter(state=State.LIVE).exists()
