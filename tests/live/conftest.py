from collections.abc import Iterator

import pytest

from tests.audience import web_process
from tests.browser import Chromium
from tests.factories import in_hours, make_gateway, make_user, make_webinar
from tests.live.visits import Hall


@pytest.fixture(scope="session")
def audience_chromium(chromium: Chromium) -> Chromium:
    """A browser for the audience's pages: the same as for all others."""
    return chromium


@pytest.fixture(scope="session")
def one_web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[web_process.Shared]:
    """`amphi web` on the tests' database, until that is thrown away."""
    one = web_process.Shared(tmp_path_factory.mktemp("web"))
    yield one
    one.stop()


@pytest.fixture
def web(transactional_db: None, one_web: web_process.Shared) -> web_process.Web:
    """`amphi web`, the same for all: a test's rows go with it, and no row has the number of an earlier one."""
    return one_web.running()


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
