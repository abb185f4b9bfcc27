import pytest

from amphi.gateway.addresses import (
    checked_host,
    checked_job_id,
    checked_join_url,
    checked_rtmp_url,
    redacted,
    server_app_and_playpath,
)
from amphi.gateway.exceptions import InvalidRequestError
from amphi.gateway.inner_addresses import is_inner, may_load


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


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("rtmp://h/live/talk?key=k", ("rtmp://h", "live", "talk?key=k")),
        ("rtmps://u:p@h:1936/a/b/c?d=/e", ("rtmps://u:p@h:1936", "a/b", "c?d=/e")),
        ("rtmp://h/live/a/b/c", ("rtmp://h", "live/a", "b/c")),
        ("rtmp://h/live", ("rtmp://h", "live", "")),
        ("rtmp://h/live/", ("rtmp://h", "live", "")),
        ("rtmp://[::1]/live/x", ("rtmp://[::1]", "live", "x")),
    ],
)
def test_parts_of_an_rtmp_address(url, parts):
    assert server_app_and_playpath(url) == parts


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("bbb.univ.fr", True),
        ("BBB.univ.fr.", True),
        ("a.b.visio.fr", True),
        ("visio.fr", False),
        ("evilvisio.fr", False),
        ("bbb.univ.fr.example.org", False),
        ("bbb.univ.fr@example.org", False),
        ("example.org", False),
    ],
)
def test_hosts_that_may_be_joined(host, is_allowed):
    url = f"https://{host}/x?https://bbb.univ.fr/"
    allowed = ("bbb.univ.fr", "*.visio.fr")
    if is_allowed:
        assert checked_join_url(url, allowed) == url
    else:
        with pytest.raises(InvalidRequestError, match="do not allow"):
            checked_join_url(url, allowed)
    assert checked_join_url(url) == url


@pytest.mark.parametrize("host", ["", "http://a", "a/b", "*", "*.", "a b", "**.a", "a:1"])
def test_entry_of_a_list_of_hosts_that_is_none(host):
    with pytest.raises(InvalidRequestError, match="must hold hosts"):
        checked_host(host)


def test_entries_of_a_list_of_hosts():
    given = ["BBB.univ.fr", "*.visio.fr", "[::1]", "127.0.0.1"]
    assert [checked_host(host) for host in given] == ["bbb.univ.fr", "*.visio.fr", "::1", "127.0.0.1"]


def test_key_that_is_longer_than_can_be_handed_over():
    with pytest.raises(InvalidRequestError, match="at most 900 bytes"):
        checked_rtmp_url("rtmp://h/live/x?key=" + "k" * 900)


@pytest.mark.parametrize(
    ("host", "inner"),
    [
        *(
            (host, True)
            for host in (
                "localhost",
                "a.localhost",
                "127.1.2.3",
                "10.0.0.1",
                "::1",
                "fe80::1",
                "169.254.169.254",
            )
        ),
        *((host, False) for host in ("univ.fr", "8.8.8.8", "2a00:1450::1", "localhost.univ.fr")),
    ],
)
def test_inner_hosts(host, inner):
    assert is_inner(host) is inner


PUBLIC, PLATFORM, CLASSROOM = (
    "https://bbb.univ.fr/x",
    "http://127.0.0.1:8000/g/room",
    "http://127.0.0.1:8001/m",
)


@pytest.mark.parametrize(
    ("address", "join_url", "page_url", "is_own_step", "may"),
    [
        ("https://cdn.example.org/a.js", PUBLIC, PUBLIC, False, True),
        ("http://127.0.0.1/secret", PUBLIC, PUBLIC, False, False),
        ("http://127.0.0.1/secret", PUBLIC, PUBLIC, True, False),
        ("http://[::1]:9000/", PUBLIC, PUBLIC, False, False),
        (CLASSROOM, PLATFORM, PLATFORM, True, True),
        (CLASSROOM, PLATFORM, PLATFORM, False, False),
        (f"{CLASSROOM}/a.js", PLATFORM, CLASSROOM, False, True),
        ("http://127.0.0.1:22/", PLATFORM, CLASSROOM, False, False),
    ],
)
def test_what_a_page_may_load(address, join_url, page_url, is_own_step, may):
    assert may_load(address, join_url=join_url, page_url=page_url, is_own_step=is_own_step) is may
