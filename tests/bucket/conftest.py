"""A real S3 server, SeaweedFS, for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.bucket import seaweedfs
from tests.bucket.seaweedfs import Server

PLATFORM = "https://amphi.univ.fr"


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[Server]:
    with seaweedfs.running(tmp_path_factory.mktemp("s3"), shown_on=PLATFORM) as server:
        yield server


@pytest.fixture
def place(s3) -> str:
    """The address of a bucket that is this test's alone."""
    return s3.make_bucket()


@pytest.fixture
def bucketed(settings, place, tmp_path) -> None:
    """The platform with recordings, and with a bucket."""
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL, settings.RECORDINGS = PLATFORM, tmp_path / "recordings"
    settings.BUCKET_URL, settings.BUCKET_KEY, settings.BUCKET_SECRET = place, seaweedfs.KEY, seaweedfs.SECRET
