from collections.abc import Iterator

import pytest

from tests import browser
from tests.audience import web_process
from tests.browser import Chromium
from tests.factories import in_hours, make_gateway, make_user, make_webinar
from tests.live.visits import Hall


@pytest.fixture(scope="session")
def audience_chromium() -> Iterator[Chromium]:
    """A browser for the audience's pages."""
    with browser.running() as one:
        yield one


@pytest.fixture
def web(transactional_db, free_port, tmp_path) -> Iterator[web_process.Web]:
    """`amphi web` on the tests' database."""
    with web_process.running(free_port, tmp_path) as one:
        yield one


@pytest.fixture
def hall(settings) -> Hall:
    settings.USE_MEETING_WEBINAR = True
    presenter = make_user("marie", first_name="Marie", last_name="Curie")
    listener = make_user("hugo", first_name="Hugo", last_name="Bernard", affiliation="student")
    gateway = make_gateway("hall", hls_url="http://127.0.0.1:9/hls/hall.m3u8")
    livestream = make_webinar(
        presenter,
        gateway=gateway,
        name="La radioactivité",
        description="Cours de L3.",
        start_at=in_hours(0.5),
    )
    return Hall(livestream, presenter, listener)
