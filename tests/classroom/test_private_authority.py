"""A platform whose certificate a private authority signed: webhooks reach it, and its slides are fetched."""

import ssl

import pytest

from amphi.classroom import documents
from amphi.classroom.config import read
from amphi.classroom.documents import Document
from amphi.classroom.exceptions import InvalidDocumentError
from amphi.system.environment import InvalidSettingError
from tests import nginx
from tests.classroom.conftest import wait_for
from tests.wire import WireServer, answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return nginx.make_certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def platform(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    with WireServer(lambda _: answer("slides"), context) as server:
        yield server


def test_webhooks(serve, certificate, platform):
    classroom = serve(ca_file=str(certificate.file))
    assert classroom.call("hooks/create", callbackURL=f"{platform.url}/hook").ok
    classroom.create()
    wait_for(lambda: platform.requests, "the webhook")


async def test_slides(monkeypatch, certificate, platform):
    monkeypatch.setenv("AMPHI_CLASSROOM_SECRET", "secret")
    slides = Document("a.pdf", f"{platform.url}/a.pdf", b"", current=True)
    with pytest.raises(InvalidDocumentError):
        await documents.fetch(slides, read().trust())
    monkeypatch.setenv("AMPHI_CLASSROOM_CA_FILE", str(certificate.file))
    assert await documents.fetch(slides, read().trust()) == b"slides"


def test_authority_that_is_no_file(monkeypatch):
    monkeypatch.setenv("AMPHI_CLASSROOM_SECRET", "secret")
    monkeypatch.setenv("AMPHI_CLASSROOM_CA_FILE", "/nowhere/ca.pem")
    with pytest.raises(InvalidSettingError, match="must be a PEM file"):
        read()
