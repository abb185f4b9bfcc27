"""One bucket of a real S3 server, and what is said when something is wrong with it."""

import io
import socket
import ssl
from datetime import timedelta

import httpx
import pytest

from amphi.bucket import exceptions, store
from amphi.bucket.store import Bucket
from tests import nginx, wire
from tests.bucket import seaweedfs
from tests.bucket.seaweedfs import KEY, READER, READER_SECRET, REGION, SECRET

SOON = timedelta(minutes=1)


def open_bucket(url: str, **other) -> Bucket:
    return Bucket(url, **{"key": KEY, "secret": SECRET, "region": REGION} | other)


def test_what_is_put_is_listed_fetched_and_deleted(place, tmp_path):
    bucket = open_bucket(place)
    bucket.put("7/recording/a.m4s", b"some bytes", content_type="video/mp4")
    bucket.put("7/recording/b.m4s", b"x", content_type="video/mp4")
    bucket.put("71/recording/c.m4s", b"another event's", content_type="video/mp4")
    assert bucket.sizes("7/recording") == {"a.m4s": 10, "b.m4s": 1}
    assert bucket.sizes("7/none") == {}
    bucket.fetch("7/recording/a.m4s", tmp_path / "a.m4s")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.m4s", b"some bytes")]
    bucket.delete(["7/recording/a.m4s", "7/recording/b.m4s", "7/recording/never.m4s"])
    assert seaweedfs.names_in(place) == ["71/recording/c.m4s"]


def test_large_file_goes_and_comes_in_parts(place, tmp_path, monkeypatch):
    # S3's parts have five MiB at least.
    monkeypatch.setattr(store, "PART_BYTES", 5 * 2**20)
    content = bytes(range(256)) * (24 * 2**10)
    bucket = open_bucket(place)
    bucket.put("7/files/a.mp4", io.BytesIO(content), content_type="video/mp4", file_name="a.mp4")
    assert bucket.size("7/files/a.mp4") == len(content)
    bucket.fetch("7/files/a.mp4", tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == content


def test_signed_address_opens_one_object_for_a_while(place):
    bucket = open_bucket(place)
    bucket.put("7/files/a.mp4", b"0123456789", content_type="video/mp4", file_name="a.mp4")
    address = bucket.address("7/files/a.mp4", "GET", SOON)
    part = httpx.get(address, headers={"Range": "bytes=2-4", "Origin": "https://amphi.univ.fr"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-type"] == "video/mp4"
    assert part.headers["content-disposition"] == 'attachment; filename="a.mp4"'
    assert part.headers["access-control-allow-origin"] in {"*", "https://amphi.univ.fr"}
    assert httpx.head(bucket.address("7/files/a.mp4", "HEAD", SOON)).headers["content-length"] == "10"
    assert httpx.get(address.replace("a.mp4", "b.mp4")).status_code == 403
    assert httpx.delete(address).status_code == 403
    assert httpx.get(address.partition("?")[0]).status_code == 403
    assert SECRET not in address


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"secret": "wrong"}, exceptions.BucketRefusedError),
        ({"key": "unknown"}, exceptions.BucketRefusedError),
        ({"key": READER, "secret": READER_SECRET}, exceptions.BucketRefusedError),
    ],
)
def test_wrong_key_and_one_without_the_right(place, other, said):
    with pytest.raises(said) as raised:
        open_bucket(place, **other).put("a", b"x", content_type="video/mp4")
    assert SECRET not in str(raised.value)


def test_bucket_that_is_not_there(s3):
    bucket = open_bucket(f"{s3.url}/none-of-this-name")
    with pytest.raises(exceptions.NoBucketError):
        bucket.put("a", b"x", content_type="video/mp4")


def test_object_that_is_not_there(place, tmp_path):
    with pytest.raises(exceptions.NoObjectError):
        open_bucket(place).fetch("7/recording/a.m4s", tmp_path / "a.m4s")
    assert list(tmp_path.iterdir()) == []


def test_server_that_is_not_there(free_port):
    with pytest.raises(exceptions.BucketUnreachableError):
        open_bucket(f"http://127.0.0.1:{free_port}/replays").sizes("7")


def test_certificate_that_is_not_trusted(serve, tmp_path):
    certificate = nginx.make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.file, certificate.key)
    server = serve(lambda _request: wire.answer(""), context)
    with pytest.raises(exceptions.BucketUnreachableError, match="certificate is not trusted"):
        open_bucket(f"{server.url}/replays").sizes("7")


def test_server_that_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/replays"
        with pytest.raises(exceptions.BucketUnreachableError, match="no answer in time"):
            open_bucket(url, timeout=timedelta(milliseconds=300)).sizes("7")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "RequestTimeTooSkewed", exceptions.BucketClockError),
        (403, "QuotaExceeded", exceptions.BucketFullError),
        (507, "XMinioStorageFull", exceptions.BucketFullError),
        (403, "AccessDenied", exceptions.BucketRefusedError),
        (503, "SlowDown", exceptions.BucketFailedError),
    ],
)
def test_answers_of_other_servers(serve, status, code, said):
    """What AWS's list of error codes, Ceph's `rgw_common.cc` and MinIO's `api-errors.go` name, and SeaweedFS never answers."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    server = serve(lambda _request: wire.answer(body, f"{status} No", "application/xml"))
    with pytest.raises(said):
        open_bucket(f"{server.url}/replays").put("a", b"x", content_type="video/mp4")
