"""A server that is slow, broken, hostile or something else entirely, on a real socket."""

import itertools
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from amphi.bigbluebutton import (
    AnswerTooLargeError,
    ForbiddenXmlError,
    HttpStatusError,
    MalformedXmlError,
    NotXmlError,
    RedirectedError,
    Server,
    ServerTimeoutError,
    UnreachableError,
    UntrustedServerError,
)
from tests.waiting import PATIENCE_S
from tests.wire import answer

SECRET = "a secret"
GOOD = "<response><returncode>SUCCESS</returncode><running>true</running></response>"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><response><returncode>&c;</returncode></response>'
)
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<response><returncode>SUCCESS</returncode><running>&a;</running></response>"
)


def refused(serve, script, **options):
    wire = serve(script)
    with pytest.raises(Exception) as caught:
        Server(wire.url, SECRET, **options).is_running("m")
    assert SECRET not in str(caught.value)
    assert "checksum" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind", "permanent"),
    [
        pytest.param(
            answer("<!DOCTYPE html><html>hello</html>", content_type="text/html"),
            NotXmlError,
            True,
            id="html",
        ),
        pytest.param(answer('<html xmlns="http://www.w3.org/1999/xhtml"/>'), NotXmlError, True, id="xhtml"),
        pytest.param(
            answer('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'),
            NotXmlError,
            True,
            id="xhtml-declared",
        ),
        pytest.param(
            answer(
                '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html/>'
            ),
            NotXmlError,
            True,
            id="xhtml-doctype",
        ),
        pytest.param(answer({"response": {"returncode": "FAILED"}}), NotXmlError, True, id="json"),
        pytest.param(answer(""), NotXmlError, True, id="empty"),
        pytest.param(answer("<html>oops</html>", "500 Oops", "text/html"), HttpStatusError, False, id="500"),
        pytest.param(answer("<html/>", "502 Bad Gateway", "text/html"), HttpStatusError, False, id="502"),
        pytest.param(answer("slow down", "429 Too Many Requests"), HttpStatusError, False, id="429"),
        pytest.param(answer("no", "403 Forbidden"), HttpStatusError, True, id="403"),
        pytest.param(answer(GOOD[:40]), MalformedXmlError, False, id="truncated"),
        pytest.param(answer("<other/>"), MalformedXmlError, False, id="other-xml"),
        pytest.param(
            answer("<response><returncode>MAYBE</returncode></response>"),
            MalformedXmlError,
            False,
            id="no-returncode",
        ),
        pytest.param(
            answer('<?xml version="1.0" encoding="klingon"?><response/>'),
            MalformedXmlError,
            False,
            id="encoding",
        ),
        pytest.param(answer(BOMB, content_type="text/xml"), ForbiddenXmlError, True, id="entity-bomb"),
        pytest.param(
            answer(EXTERNAL, content_type="text/xml"), ForbiddenXmlError, True, id="external-entity"
        ),
        pytest.param(
            answer("", "302 Found", Location="http://127.0.0.1:9/"), RedirectedError, True, id="redirect"
        ),
        pytest.param(answer("", "301 Moved", Location="https://b/"), RedirectedError, True, id="moved"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", NotXmlError, True, id="not-http"),
        pytest.param(b"", UnreachableError, False, id="hangs-up"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<resp", UnreachableError, False, id="breaks-off"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            NotXmlError,
            True,
            id="no-gzip",
        ),
    ],
)
def test_answer_is_a_distinct_error(serve, reply, kind, permanent):
    error = refused(serve, lambda _: reply)
    assert type(error) is kind
    assert error.permanent is permanent


def test_redirect_is_not_followed(serve):
    other = serve(lambda _: answer(GOOD))
    refused(
        serve, lambda _: answer("", "302 Found", Location=f"{other.url}/bigbluebutton/api/isMeetingRunning")
    )
    assert other.requests == []


def test_silent_server(serve):
    wire = serve(lambda _: wire.silence())
    with pytest.raises(ServerTimeoutError) as caught:
        Server(wire.url, SECRET, timeout_s=0.3).is_running("m")
    assert caught.value.permanent is False


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"], ids=["headers", "body"]
)
def test_dripping_server_is_left_at_the_deadline(serve, head):
    def script(_):
        start = head or b"HTTP/1.1 200 OK\r\nX-Slow: "
        return wire.drip(itertools.chain([start], itertools.repeat(b"x")))

    wire = serve(script)
    began = time.monotonic()
    with pytest.raises(ServerTimeoutError):
        Server(wire.url, SECRET, timeout_s=0.5).is_running("m")
    assert (
        time.monotonic() - began < PATIENCE_S
    )  # each byte alone came in time; the whole answer never would have


def test_endless_answer(serve):
    def script(_):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<response>"
        return wire.drip(itertools.chain([head], itertools.repeat(b" " * 1_000_000)), pause_s=0)

    wire = serve(script)
    with pytest.raises(AnswerTooLargeError) as caught:
        Server(wire.url, SECRET, timeout_s=30).is_running("m")
    assert caught.value.permanent


def test_nobody_listens(free_port):
    with pytest.raises(UnreachableError) as caught:
        Server(f"http://127.0.0.1:{free_port}", SECRET).is_running("m")
    assert caught.value.permanent is False


def test_a_call_after_a_timeout_has_its_own_time(serve):
    replies = iter([None, answer(GOOD)])
    wire = serve(lambda _: next(replies) or wire.silence())
    server = Server(wire.url, SECRET, timeout_s=2.0)
    with pytest.raises(ServerTimeoutError):
        server.is_running("m")
    assert server.is_running("m")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bbb.test"
    subprocess.run(
        [
            "openssl",
            "req",
            *options.split(),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_certificate_of_an_unknown_authority(serve, certificate):
    wire = serve(lambda _: answer(GOOD), certificate[1])
    with pytest.raises(UntrustedServerError) as caught:
        Server(wire.url, SECRET).is_running("m")
    assert not caught.value.permanent  # messages for the meeting wait until it is renewed
    assert wire.requests == []


def test_certificate_of_a_private_authority(serve, certificate):
    wire = serve(lambda _: answer(GOOD), certificate[1])
    assert Server(wire.url, SECRET, ca_file=certificate[0]).is_running("m")


def test_certificate_of_another_host(serve, certificate):
    wire = serve(lambda _: answer(GOOD), certificate[1])
    with pytest.raises(UntrustedServerError):
        Server(wire.url.replace("127.0.0.1", "localhost"), SECRET, ca_file=certificate[0]).is_running("m")


def test_proxies_of_the_environment_get_nothing(serve, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert Server(serve(lambda _: answer(GOOD)).url, SECRET).is_running("m")


def test_a_silent_meeting_delays_no_other(serve):
    wire = serve(lambda request: wire.silence() if request.query["meetingID"] == "slow" else answer(GOOD))
    server = Server(wire.url, SECRET, timeout_s=8.0)
    with ThreadPoolExecutor(20) as threads:
        slow = [threads.submit(server.is_running, "slow") for _ in range(15)]
        assert all(threads.map(server.is_running, ["quick"] * 20))
        assert not any(one.done() for one in slow)
        wire.stopped.set()
        assert all(isinstance(one.exception(), UnreachableError) for one in slow)
