"""A TCP relay on loopback that hands on what is asked at once, and what is answered late; and certificates for one that speaks TLS."""

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.reliability.chaos.scene import NAMES


class Relay:
    """Listens on a free port while its block lasts.

    Args:
        to: the port of the one that answers.
        delay_s: how much later each piece of an answer arrives.
        context: by which it speaks TLS with who asks; None for plain TCP.
    """

    def __init__(self, to: int, *, delay_s: float = 0, context: ssl.SSLContext | None = None) -> None:
        self._to = to
        self._delay_s = delay_s
        self._context = context
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._meet, args=[near], daemon=True).start()

    def _meet(self, near: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            far = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=self._carry, args=[far, near, self._delay_s], daemon=True).start()
            self._carry(near, far, 0.0)

    def _carry(self, start: socket.socket, end: socket.socket, delay_s: float) -> None:
        with suppress(OSError):
            while piece := start.recv(65536):
                self._ended.wait(delay_s)
                end.sendall(piece)
        for one in (start, end):
            one.close()


def certificate(folder: Path, name: str, *, days: int) -> tuple[Path, ssl.SSLContext]:
    """A certificate for all names of the scene that runs out after so many days, as a file, and what serves by it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in NAMES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context
