"""The settings of `amphi classroom`: ``AMPHI_CLASSROOM_*``, or the flags of the same names."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from amphi.classroom.profiles import PROFILES, Profile
from amphi.system import environment
from amphi.system.environment import InvalidSettingError

DEFAULT_HTTP = "127.0.0.1:8001"
DIGESTS = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one classroom server.

    Attributes:
        host: address to listen on.
        port: TCP port to listen on.
        url: the public base address, without a trailing slash.
        secret: the API's shared secret.
        profile: the BBB version to imitate.
        hooks_digest: the hash function that signs webhooks; bbb-webhooks' default is sha1.
        ca_file: PEM certificates to trust instead of the system's, for webhooks and for slides.
    """

    host: str
    port: int
    url: str
    secret: str
    profile: Profile
    hooks_digest: str = "sha1"
    ca_file: str = ""

    def trust(self) -> ssl.SSLContext:
        """The TLS context that verifies other servers' certificates."""
        return ssl.create_default_context(cafile=self.ca_file or None)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def read(*, http: str = "", url: str = "", profile: str = "", hooks_digest: str = "") -> Config:
    """Read the environment; each argument that isn't empty overrides its variable.

    Raises:
        InvalidSettingError: a setting is missing or invalid.
    """
    listen = http or environment.text("AMPHI_CLASSROOM_HTTP") or DEFAULT_HTTP
    host, port = environment.parse_address(listen, "AMPHI_CLASSROOM_HTTP")
    public = url or environment.text("AMPHI_CLASSROOM_URL") or f"http://{_bracketed(host)}:{port}"
    if not public.startswith(("http://", "https://")):
        raise InvalidSettingError("AMPHI_CLASSROOM_URL", "must begin with http:// or https://")
    secret = environment.text("AMPHI_CLASSROOM_SECRET")
    if not secret:
        raise InvalidSettingError(
            "AMPHI_CLASSROOM_SECRET", "must be set: the secret shared with the callers of the API"
        )
    version = profile or environment.text("AMPHI_CLASSROOM_PROFILE") or "3.0"
    if version not in PROFILES:
        raise InvalidSettingError("AMPHI_CLASSROOM_PROFILE", f"must be one of {', '.join(PROFILES)}")
    digest = hooks_digest or environment.text("AMPHI_CLASSROOM_HOOKS_DIGEST") or "sha1"
    if digest not in DIGESTS:
        raise InvalidSettingError("AMPHI_CLASSROOM_HOOKS_DIGEST", f"must be one of {', '.join(DIGESTS)}")
    if digest not in PROFILES[version].hook_digests:
        known = ", ".join(PROFILES[version].hook_digests)
        raise InvalidSettingError("AMPHI_CLASSROOM_HOOKS_DIGEST", f"must be {known} with profile {version}")
    ca_file = environment.text("AMPHI_CLASSROOM_CA_FILE")
    if ca_file and not Path(ca_file).is_file():
        raise InvalidSettingError("AMPHI_CLASSROOM_CA_FILE", "must be a PEM file")
    return Config(host, port, public.rstrip("/"), secret, PROFILES[version], digest, ca_file)
