"""A lecture at an origin: a module's fixture `origin` says with which settings."""

import pytest

from tests.origin.running import Publisher, eventually, http_client, ready


@pytest.fixture
async def client(origin):
    async with http_client(origin) as found:
        yield found


@pytest.fixture
async def lecture(origin, client):
    """A publisher that has sent one segment and one part."""
    publisher = await Publisher.publishing(origin.rtmp_port, "lecture")
    await publisher.frames(31)
    await ready(client, "/hls/lecture.m3u8")
    await eventually(lambda: origin.origin.streams.get("lecture").playlist.next_part == 6)
    yield publisher
    await publisher.close()


@pytest.fixture
def patient(monkeypatch):
    """Requests block for a minute, so that none gives up while a slow machine still opens the others."""
    monkeypatch.setattr("amphi.origin.http_app.BLOCK_TARGETS", 60)
