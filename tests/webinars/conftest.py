"""A webinar and the servers around it."""

import pytest

from amphi.webinars.models import Livestream
from tests.factories import make_gateway, make_webinar
from tests.webhooks import SECRET
from tests.webinars.stage import open_stage


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True


@pytest.fixture
def stage(settings):
    stage, server = open_stage()
    settings.BBB_API_URL = stage.url + "/bigbluebutton"
    settings.BBB_SECRET_KEY = SECRET
    yield stage
    server.shutdown()
    server.server_close()


@pytest.fixture
def livestream(db, stage) -> Livestream:
    """A planned webinar whose gateway, BBB and live server are the stage's."""
    gateway = make_gateway("room", sipmediagw_url=stage.url, hls_url=f"{stage.url}/hls/room.m3u8")
    return make_webinar(gateway=gateway)
