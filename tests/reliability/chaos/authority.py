"""An authority that all parts of the scene trust, and an nginx that speaks TLS by its certificates before the meeting server and RTMP."""

import ipaddress
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import nginx, ports

VALID_DAYS = 30
EXPIRED_DAYS = -1
"""It ran out yesterday."""


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


class Authority:
    """Signs certificates for the names and addresses of the scene.

    Args:
        folder: where its own certificate is written, and those that it signs.
        hosts: names and IP addresses.

    Attributes:
        file: its own certificate, PEM.
    """

    def __init__(self, folder: Path, hosts: list[str]) -> None:
        self._folder, self._hosts = folder, hosts
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "authority.pem"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        made = self._made(_name("Authority of the tests"), self._key.public_key(), VALID_DAYS, basic)
        self.file.write_bytes(made)

    def sign(self, name: str, *, days: int) -> tuple[Path, Path]:
        """A certificate for all hosts that runs out after so many days, and its key, which stays the same for the same `name`.

        Returns:
            The files of both; a certificate that was there is replaced.
        """
        file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        if not key_file.exists():
            key_file.write_bytes(_pem(ec.generate_private_key(ec.SECP256R1())))
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        basic = x509.BasicConstraints(ca=False, path_length=None)
        file.write_bytes(self._made(_name(name), key.public_key(), days, basic))
        return file, key_file

    def _made(self, subject: x509.Name, key: Any, days: int, basic: x509.BasicConstraints) -> bytes:
        now = datetime.now(UTC)
        hosts = [x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in self._hosts]  # fmt: skip
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name("Authority of the tests"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(basic, critical=True)
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        )
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def believed_by_browsers(self, home: Path) -> None:
        """Have Chromium trust it, in browsers whose home is `home`."""
        store = home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "tests", "-i", self.file]):
            subprocess.run(["certutil", "-d", f"sql:{store}", *words], check=True)


@dataclass
class Front:
    """An nginx that takes TLS and hands on what is in it.

    Attributes:
        ports: where it takes TLS, by the port that it hands on to.
    """

    authority: Authority
    ports: dict[int, int]
    folder: Path

    @contextmanager
    def expired(self) -> Iterator[None]:
        """Its certificate ran out, and then somebody renews it: the file is replaced, and the server reloaded, both times."""
        self._renew(EXPIRED_DAYS)
        yield
        self._renew(VALID_DAYS)

    def _renew(self, days: int) -> None:
        self.authority.sign("front", days=days)
        pid = int((self.folder / "nginx.pid").read_text())
        subprocess.run(["kill", f"-{signal.SIGHUP.value}", str(pid)], check=True)


@contextmanager
def fronted(folder: Path, authority: Authority, behind: list[int]) -> Iterator[Front]:
    """Run it before these ports of the loopback, on all addresses of this network, until the block is left."""
    taken = {port: ports.reserve() for port in behind}
    file, key = authority.sign("front", days=VALID_DAYS)
    servers = "".join(
        f"  server {{ listen {secret} ssl; proxy_pass 127.0.0.1:{port}; }}\n"
        for port, secret in taken.items()
    )
    stream = f"stream {{\n  ssl_certificate {file};\n  ssl_certificate_key {key};\n{servers}}}\n"
    # A reload leaves the connections of before alone; who restarts it, as many do, ends them.
    whole = f"{nginx.frame(folder, modules=('ngx_stream_module.so',))}worker_shutdown_timeout 1s;\n{stream}"
    with nginx.running_nginx(folder, whole, port=next(iter(taken.values()))):
        yield Front(authority, taken, folder)
