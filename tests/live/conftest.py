from collections.abc import Iterator

import pytest

from tests import browser
from tests.audience import web_process
from tests.browser import Chromium


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
