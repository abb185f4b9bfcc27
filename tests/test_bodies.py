"""How much one request may send, to a real web process: it is said before it is read, or found while it comes."""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest

from amphi.pages import bodies
from tests import ports
from tests.audience import web_process

MB = 1024 * 1024
MUCH = 10_000
UPLOADS = (
    "/meetings/add/",
    "/meetings/personal/",
    "/meetings/0001-talk/edit/",
    "/meetings/0001-talk/duplicate/",
)


@pytest.mark.parametrize("path", UPLOADS)
def test_forms_with_slides_take_slides(path):
    assert bodies.largest(path) == 40 * MB


@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/meetings/", "/webinars/on-publish", "/meetings/a/join/"]
)
def test_all_others_take_what_a_form_has(path):
    assert bodies.largest(path) < 3 * MB


@pytest.fixture(scope="module")
def web(tmp_path_factory, django_db_setup, django_db_blocker):
    with (
        django_db_blocker.unblock(),
        web_process.running(ports.reserve(), tmp_path_factory.mktemp("web")) as web,
    ):
        yield urlsplit(web.url).netloc


@pytest.fixture
def connection(web):
    with contextlib.closing(http.client.HTTPConnection(web, timeout=60)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("path", "length"), [("/accounts/login/", 3 * MB), ("/meetings/add/", 41 * MB), ("/nothing/", 10**15)]
)
def test_body_that_says_that_it_is_too_long_is_not_read(connection, path, length):
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "trop volumineux" in answer.read().decode()
    assert answer.getheader("Connection") == "close"


def test_body_that_is_too_long_is_told_to_a_program_as_a_problem(connection):
    headers = {"Content-Length": str(3 * MB), "Accept-Language": "en"}
    connection.putrequest("POST", "/api/v1/meetings")
    for name, said in headers.items():
        connection.putheader(name, said)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (413, "application/problem+json")
    assert json.loads(answer.read())["title"] == "That is too much at once"


def test_body_in_pieces_is_cut_where_it_is_too_long(connection):
    connection.putrequest("POST", "/webinars/on-publish")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    piece = b"%x\r\n%b\r\n" % (64 * 1024, bytes(64 * 1024))
    sent = 0
    # The server closes while the next piece is on its way.
    with contextlib.suppress(ConnectionError):
        while sent < MUCH:
            connection.send(piece)
            sent += 1
    assert 30 < sent < MUCH


def test_body_that_is_short_enough_is_read(connection):
    for path, length in (("/accounts/login/", 2 * MB), ("/meetings/add/", 30 * MB)):
        connection.request("POST", path, body=b"x" * length)
        answer = connection.getresponse()
        assert answer.status == 403, "no token of CSRF"
        answer.read()
