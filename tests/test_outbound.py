"""Calls to other people's servers: in time, names included; trusted; and no larger than makes sense."""

import gzip
import time
import zlib

import httpcore
import pytest

from amphi.system import name_lookup
from amphi.system.addresses import is_public
from amphi.system.outbound import (
    LARGEST_ANSWER_BYTES,
    AnswerTooLargeError,
    Caller,
    ConnectionFailedError,
    DeadlineError,
    ForbiddenAddressError,
    GarbledAnswerError,
    MisconfiguredError,
)
from tests.wire import answer


@pytest.fixture
def caller():
    made = Caller(timeout_s=5, headers={"X-Secret": "s3cret"})
    yield made
    made.close()


def test_name_that_hangs_is_left_at_the_deadline(caller, resolver):
    resolver.hanging.add("slow.example")
    started = time.monotonic()
    with pytest.raises(DeadlineError):
        caller.call("GET", "http://slow.example/", timeout_s=0.3)
    assert time.monotonic() - started < 20


def test_name_that_hangs_is_asked_for_once(caller, resolver):
    resolver.hanging.add("slow.example")
    for _ in range(3):
        with pytest.raises(DeadlineError):
            caller.call("GET", "http://slow.example/", timeout_s=0.1)
    assert resolver.asked == ["slow.example"]


def test_names_that_hang_are_bounded_and_hold_up_no_address(caller, resolver, serve):
    names = {f"slow-{number}.example" for number in range(name_lookup.MOST_AT_ONCE + 1)}
    resolver.hanging |= names
    for name in sorted(names)[:-1]:
        with pytest.raises(TimeoutError):
            name_lookup.addresses_of(name, 80, timeout_s=0)
    with pytest.raises(ConnectionFailedError, match="resolver"):
        caller.call("GET", f"http://{max(names)}/", timeout_s=0.5)
    assert caller.call("GET", serve(lambda _: answer("here")).url).body == b"here"


def test_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A name may say another address a moment later, and several at once; none of them leads into our network."""
    said = iter([["193.51.208.1"], ["127.0.0.1"], ["193.51.208.1", "10.0.0.1"]])
    tried: list[str] = []

    def connect(_self, host, *_more):
        tried.append(host)
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(name_lookup, "addresses_of", lambda *_, **__: next(said))
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    made = Caller(timeout_s=5, admits=is_public)
    with pytest.raises(ConnectionFailedError):
        made.call("GET", "http://rebound.example/")
    for _ in range(2):
        with pytest.raises(ForbiddenAddressError):
            made.call("GET", "http://rebound.example/")
    assert tried == ["193.51.208.1"]


def test_unknown_name(caller, resolver):
    with pytest.raises(ConnectionFailedError, match="not known"):
        caller.call("GET", "http://nobody.example/")


def test_second_address_is_tried(caller, resolver, serve):
    port = serve(lambda _: answer("here")).url.rpartition(":")[2]
    resolver.known["two.example"] = ["127.0.0.2", "127.0.0.1"]
    assert caller.call("GET", f"http://two.example:{port}/").body == b"here"


def test_address_needs_no_resolver(caller, resolver, serve):
    caller.call("GET", serve(lambda _: answer("x")).url)
    assert resolver.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nothing",
        "ftp://a/",
        "https://",
        "http://exa mple/",
        "http://[::1/",
        "http://a:99999/",
        "http://\x00/",
    ],
)
def test_address_that_is_none(caller, url):
    with pytest.raises(MisconfiguredError) as caught:
        caller.call("GET", url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "jeton…", "\x00"])
def test_header_that_is_none(serve, value):
    wire = serve(lambda _: answer("x"))
    with pytest.raises(MisconfiguredError) as caught:
        Caller(timeout_s=5, headers={"Authorization": f"Bearer {value}"}).call("GET", wire.url)
    assert value not in str(caught.value)
    assert wire.requests == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_ca_file_that_cannot_be_read(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MisconfiguredError, match=r"ca\.pem"):
        Caller(timeout_s=5, ca_file=file)


def packed(body: bytes, encoding: str, **headers: str) -> bytes:
    return answer(body, content_type="text/plain", Content_Encoding=encoding, **headers)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"hello", mtime=0), "gzip"),
        (zlib.compress(b"hello"), "deflate"),
        (b"hello", "identity"),
        (gzip.compress(b"hello", mtime=0), "GZIP"),
    ],
)
def test_body_that_is_packed_unasked(caller, serve, body, encoding):
    wire = serve(lambda _: packed(body, encoding))
    assert caller.call("GET", wire.url).body == b"hello"
    assert wire.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"hello", "gzip"), (gzip.compress(b"hello", mtime=0)[:-9], "gzip"), (b"hello", "br")],
)
def test_body_that_is_not_as_it_says(caller, serve, body, encoding):
    with pytest.raises(GarbledAnswerError):
        caller.call("GET", serve(lambda _: packed(body, encoding)).url)


def test_packed_body_that_is_far_larger_than_it_looks(caller, serve):
    bomb = gzip.compress(bytes(LARGEST_ANSWER_BYTES * 20))
    with pytest.raises(AnswerTooLargeError):
        caller.call("GET", serve(lambda _: packed(bomb, "gzip")).url)


def test_query_arrives_as_it_was_signed(caller, serve):
    wire = serve(lambda _: answer("x"))
    query = "a=%C3%A9+b%20c&d=~'()*!&e=%2f%2F&f="
    caller.call("GET", f"{wire.url}/p?{query}")
    assert wire.requests[0].raw_query == query


def test_json_and_headers_of_one_call(caller, serve):
    wire = serve(lambda _: answer("x"))
    caller.call("POST", wire.url, json={"a": "é"}, headers={"X-One": "1"})
    (request,) = wire.requests
    assert request.json() == {"a": "é"}
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["x-one"], request.headers["x-secret"]) == ("1", "s3cret")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_proxies_of_the_environment_are_left_alone(monkeypatch, caller, serve, free_port, name):
    monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    assert Caller(timeout_s=5).call("GET", serve(lambda _: answer("x")).url).body == b"x"
