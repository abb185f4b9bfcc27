"""What happens in a classroom, as a running webinar's panel tells it: real webhooks, the supervisor, the page's JSON."""

import json
import time
from contextlib import ExitStack
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from django.urls import reverse
from websockets.sync.client import ClientConnection, connect

from amphi.meetings.server import meeting_server
from amphi.webinars import starting
from amphi.webinars.models import Livestream
from amphi.worker import supervisor
from tests.contract.running_classroom import SECRET, running_classroom
from tests.factories import make_gateway, make_webinar
from tests.webinars.stage import open_stage

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 60.0


@pytest.fixture
def livestream(free_port, settings, live_server):
    """A webinar in a classroom, with a gateway and a live server that only say that they are there."""
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = live_server.url
    with ExitStack() as stack:
        stage, server = open_stage()
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        settings.BBB_API_URL = stack.enter_context(running_classroom(free_port)) + "/bigbluebutton"
        settings.BBB_SECRET_KEY = SECRET
        gateway = make_gateway("room", sipmediagw_url=stage.url, hls_url=f"{stage.url}/hls/room.m3u8")
        yield make_webinar(gateway=gateway)


def seat(stack: ExitStack, url: str) -> ClientConnection:
    """Somebody's page in the classroom, once it is welcome."""
    location = urlsplit(httpx.get(url, trust_env=False, timeout=PATIENCE_S).headers["location"])
    token = parse_qs(location.query)["sessionToken"][0]
    query = urlencode({"sessionToken": token, "client": token[:8]})
    address = f"ws://{location.netloc}/html5client/socket?{query}"
    page = stack.enter_context(connect(address, proxy=None, max_queue=None))
    while json.loads(page.recv(timeout=PATIENCE_S))["type"] != "welcome":
        pass
    return page


def test_panel_tells_who_is_there_and_who_raises_a_hand(client, livestream):
    meeting = livestream.meeting
    client.force_login(meeting.owner)
    moderator_url = starting.start_meeting(meeting, user=meeting.owner)
    bot_url = meeting_server().join_url(
        meeting.bbb_id, "streaming", role="VIEWER", user_id=f"amphi-streaming-{meeting.pk}"
    )

    def panel() -> tuple[str, str]:
        """The panel after a look of the supervisor."""
        supervisor.look(Livestream.objects.select_related("meeting", "event", "gateway").get())
        said = client.get(
            reverse("webinars:status", args=[meeting.slug]), headers={"Accept-Language": "en"}
        ).json()
        return said["stations"][0]["text"], said["notes"][0]["text"]

    def shows(meeting_is: str, hands: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (found := panel()) != (meeting_is, hands):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    shows("Running, 0 participants", "")
    with ExitStack() as stack:
        seat(stack, bot_url)
        page = seat(stack, moderator_url)
        shows("Running, 1 participant", "")
        page.send(json.dumps({"type": "hand", "raised": True}))
        shows("Running, 1 participant", f"1 hand raised: {meeting.owner}")
        page.send(json.dumps({"type": "hand", "raised": False}))
        shows("Running, 1 participant", "")
        page.send(json.dumps({"type": "hand", "raised": True}))
        shows("Running, 1 participant", f"1 hand raised: {meeting.owner}")
        meeting_server().end(meeting.bbb_id)
        shows("Ended", "")
