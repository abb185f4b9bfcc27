"""Streams over TLS: to a server whose certificate nobody signed, and to the same one where its authority is known."""

import contextlib
import socket
import ssl
import subprocess
import threading

import pytest

from .conftest import GatewayProcess, wait_for

pytestmark = pytest.mark.browser


class TlsServer:
    """TLS in front of an RTMP server, as stunnel or nginx puts it there.

    Attributes:
        heard: the first bytes that came in after each handshake.
    """

    def __init__(self, rtmp_port, certificate, key):
        self.rtmp_port = rtmp_port
        self.certificate = certificate
        self.heard = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.attend, args=(connection,), daemon=True).start()

    def attend(self, connection):
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as tls:
            first = tls.recv(65536)
            self.heard.append(first)
            if not first:
                return
            with socket.create_connection(("127.0.0.1", self.rtmp_port)) as rtmp:
                rtmp.sendall(first)
                threading.Thread(target=self.pump, args=(rtmp, tls), daemon=True).start()
                self.pump(tls, rtmp)

    def pump(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(made, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def tls(rtmp, certificate):
    server = TlsServer(rtmp.port, *certificate)
    yield server
    server.close()


@pytest.fixture(scope="module")
def trusting(certificate):
    """A gateway that knows the authority."""
    process = GatewayProcess(warm=0, ca_file=certificate[0])
    yield process
    process.close()


def start(gateway, job_id, meeting, host, port):
    meeting.state = "joined"
    spec = {
        "join_url": meeting.join_url,
        "rtmp_url": f"rtmps://{host}:{port}/live/talk?key=secret-key",
        "room": job_id,
    }
    assert gateway.client.put(f"/jobs/{job_id}", json=spec).status_code == 201


def assert_refused(gateway, job_id, tls):
    refused = wait_for(lambda: (job := gateway.job(job_id))["reason"] == "rtmp_refused" and job)
    assert refused["detail"].startswith("the RTMP server's certificate is not trusted: ")
    assert not any(tls.heard)
    assert "secret-key" not in "".join(gateway.log)
    gateway.client.delete(f"/jobs/{job_id}")
    gateway.wait_for_state(job_id, "idle")


def test_server_whose_authority_is_not_known_gets_nothing(make_gateway, meeting, tls):
    gateway = make_gateway(warm=0)
    start(gateway, "unsigned", meeting, "localhost", tls.port)
    assert_refused(gateway, "unsigned", tls)


def test_server_of_another_name_gets_nothing(trusting, meeting, tls):
    start(trusting, "misnamed", meeting, "127.0.0.1", tls.port)
    assert_refused(trusting, "misnamed", tls)


def test_server_whose_authority_is_known_gets_the_stream(trusting, meeting, tls, rtmp):
    start(trusting, "signed", meeting, "localhost", tls.port)
    trusting.wait_for_state("signed", "on_air")
    assert any(tls.heard)
    trusting.client.delete("/jobs/signed")
    trusting.wait_for_state("signed", "idle")
    assert [path.name.partition("-")[0] for path in rtmp.recordings()] == ["talk"]
