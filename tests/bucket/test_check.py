"""What ``amphi check`` says of a bucket."""

import pytest

from amphi.audience.models import BucketItem
from amphi.checkup import bucket
from tests.bucket import seaweedfs
from tests.bucket.seaweedfs import READER, READER_SECRET
from tests.checkup.findings import brief, only

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_bucket_that_works_is_left_as_it_was(bucketed, place):
    assert only(bucket.check_bucket()) == ("OK", "we can write, read and delete there.")
    assert only(bucket.check_items()) == ("OK", "0.0 of 1000 GiB are used.")
    assert seaweedfs.names_in(place) == []


def test_nothing_is_said_without_a_bucket(settings):
    settings.BUCKET_URL = ""
    assert [*bucket.check_bucket(), *bucket.check_items()] == []
    BucketItem.objects.create(event_id=7, name="files/AAAAAAAA.mp4")
    level, sentence = only(bucket.check_items())
    assert level == "FAIL"
    assert "AMPHI_BUCKET_URL is not set" in sentence


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"BUCKET_SECRET": "wrong"}, "the key is wrong"),
        ({"BUCKET_KEY": READER, "BUCKET_SECRET": READER_SECRET}, "the key is wrong, or may not do this"),
        ({"BUCKET_URL": "http://127.0.0.1:9/replays"}, "can’t be reached"),
    ],
)
def test_each_problem_has_its_remedy(bucketed, settings, changed, said):
    for name, value in changed.items():
        setattr(settings, name, value)
    level, sentence = only(bucket.check_bucket())
    assert level == "FAIL"
    assert said in sentence
    assert "wrong (" not in sentence or "403" in sentence


def test_bucket_without_tls(bucketed, settings):
    settings.BUCKET_URL = "http://s3.invalid/replays"
    (level, sentence), _unreachable = brief(bucket.check_bucket())
    assert level == "FAIL"
    assert sentence.startswith("it is reached without TLS")


def test_bucket_that_is_not_there(bucketed, settings, s3):
    settings.BUCKET_URL = f"{s3.url}/no-such-bucket"
    level, sentence = only(bucket.check_bucket())
    assert (level, sentence.startswith("the server has no such bucket.")) == ("FAIL", True)


def test_bucket_that_refuses_our_pages(bucketed, settings):
    settings.AMPHI_URL = "https://elsewhere.univ.fr"
    (level, sentence), _works = brief(bucket.check_bucket())
    assert level == "FAIL"
    assert "Allow the origin https://elsewhere.univ.fr" in sentence


def test_what_waits_and_what_fills_is_told(bucketed, settings):
    settings.BUCKET_GIB = 1
    BucketItem.objects.create(event_id=7, name="a", reason="refused", size_bytes=2**30)
    waiting, full = brief(bucket.check_items())
    assert waiting[0] == full[0] == "WARN"
    assert waiting[1].startswith("1 recordings are not where they belong yet")
    assert full[1].startswith("1.0 of 1 GiB are used: soon the oldest replays")
