import pytest

from amphi.gateway.addresses import checked_job_id, checked_join_url, checked_rtmp_url, redacted
from amphi.gateway.exceptions import InvalidRequestError


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8001/bigbluebutton/api/join?checksum=1", "https://bbb.example.org/join"]
)
def test_join_address(address):
    assert checked_join_url(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "chrome://settings",
        "https://",
        "https://a b/",
        "http://a/\n",
        "http://[::1",
        "http://a:99999/",
        "https://a/" + "x" * 5000,
    ],
)
def test_join_address_of_another_kind(address):
    with pytest.raises(InvalidRequestError):
        checked_join_url(address)


@pytest.mark.parametrize(
    "address", ["http://a/live", "file:///tmp/out.flv", "-y", "rtmp:///live", "tee:rtmp://a/b"]
)
def test_rtmp_address_of_another_kind(address):
    with pytest.raises(InvalidRequestError):
        checked_rtmp_url(address)


@pytest.mark.parametrize("job_id", ["", "a/b", "é", "x" * 65, "a b"])
def test_job_id_of_another_kind(job_id):
    with pytest.raises(InvalidRequestError):
        checked_job_id(job_id)


def test_redacted_address_holds_no_secret():
    assert redacted("rtmp://user:secret@origin:1935/live/name?key=secret") == "rtmp://origin:1935/live/…"
