"""Servers that are well or ill, for the check-up to look at."""

import pytest

from tests.webinars.stage import open_stage


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def stage():
    stage, server = open_stage()
    yield stage
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True
