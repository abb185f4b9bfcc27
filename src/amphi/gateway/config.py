"""The gateway's settings."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from amphi.gateway.addresses import checked_address, checked_gw_id, checked_host
from amphi.gateway.exceptions import InvalidRequestError
from amphi.system import environment

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_ANYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 -- others can't call these addresses


@dataclass(frozen=True)
class Proxy:
    """The proxy of SIPMediaGW 1.8 that gives meetings to this gateway.

    Attributes:
        url: the proxy's address.
        token: the proxy's token, which it also sends to its gateways.
        gw_ids: this gateway's names at the proxy, one for each place.
        address: ``host:port`` where the proxy calls this gateway, by plain HTTP.
        every_s: how often this gateway registers, in seconds.
    """

    url: str
    token: str = field(repr=False)
    gw_ids: tuple[str, ...]
    address: str
    every_s: int = 30


@dataclass(frozen=True)
class Config:
    """The gateway's settings; docs/gateway.md explains each.

    Attributes:
        metrics_token: the bearer token of ``GET /metrics``; empty switches that off.
        bitrate_kbps: of the picture.
        warm: how many browsers are kept ready for the next jobs.
        any_page: also stream pages that are not a known kind of meeting.
        classroom: trust pages that call themselves `amphi classroom`; any page could do so.
        join_hosts: hosts whose pages may be joined, ``bbb.univ.fr`` or ``*.univ.fr``; empty allows all.
        rtmp_hosts: hosts that may receive streams, likewise.
        ca_file: certificate authorities for RTMP servers.
        join_timeout_s: how long one attempt to join a meeting may take.
        pod_chat: accept chat messages without a token, which Esup-Pod sends, for rooms that are on air.
        join_prefix: the address of a join page before the room, for callers that only name a room.
    """

    token: str = field(repr=False)
    metrics_token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8002
    max_jobs: int = 2
    chromium: Path = Path("/usr/bin/chromium")
    chromium_arguments: tuple[str, ...] = ()
    ffmpeg: Path = Path("/usr/bin/ffmpeg")
    fps: int = 25
    bitrate_kbps: int = 2500
    warm: int = 1
    any_page: bool = False
    classroom: bool = False
    join_hosts: tuple[str, ...] = ()
    rtmp_hosts: tuple[str, ...] = ()
    ca_file: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    join_timeout_s: int = 45
    pod_chat: bool = False
    join_prefix: str = ""
    proxy: Proxy | None = None


def config_from_environment(*, needs_token: bool = True) -> Config:
    """Read ``AMPHI_GATEWAY_*``.

    Args:
        needs_token: require a token, since the gateway will accept calls.

    Raises:
        InvalidSettingError: a value is invalid, or the token is missing.
    """
    token = environment.text("AMPHI_GATEWAY_TOKEN")
    if needs_token and not token:
        raise environment.InvalidSettingError(
            "AMPHI_GATEWAY_TOKEN", "must be set: whoever holds it may send meetings anywhere"
        )
    host, port = environment.address("AMPHI_GATEWAY_HTTP", "127.0.0.1:8002")
    max_jobs = environment.integer("AMPHI_GATEWAY_MAX_JOBS", 2, minimum=1)
    join_prefix = _join_prefix()
    return Config(
        token=token,
        metrics_token=environment.text("AMPHI_METRICS_TOKEN"),
        host=host,
        port=port,
        max_jobs=max_jobs,
        chromium=environment.path("AMPHI_GATEWAY_CHROMIUM", Path("/usr/bin/chromium")),
        chromium_arguments=environment.words("AMPHI_GATEWAY_CHROMIUM_ARGUMENTS"),
        ffmpeg=environment.path("AMPHI_GATEWAY_FFMPEG", Path("/usr/bin/ffmpeg")),
        fps=environment.integer("AMPHI_GATEWAY_FPS", 25, minimum=5),
        bitrate_kbps=environment.integer("AMPHI_GATEWAY_BITRATE_KBPS", 2500, minimum=100),
        warm=environment.integer("AMPHI_GATEWAY_WARM", 1),
        any_page=environment.flag("AMPHI_GATEWAY_ANY_PAGE"),
        classroom=environment.flag("AMPHI_GATEWAY_CLASSROOM"),
        join_hosts=_hosts("AMPHI_GATEWAY_JOIN_HOSTS"),
        rtmp_hosts=_hosts("AMPHI_GATEWAY_RTMP_HOSTS"),
        ca_file=environment.path("AMPHI_GATEWAY_CA_FILE", Config.ca_file),
        join_timeout_s=environment.integer("AMPHI_GATEWAY_JOIN_TIMEOUT_S", 45, minimum=5),
        pod_chat=environment.flag("AMPHI_GATEWAY_POD_CHAT"),
        join_prefix=join_prefix,
        proxy=_proxy(host, port, max_jobs=max_jobs, join_prefix=join_prefix),
    )


def _hosts(name: str) -> tuple[str, ...]:
    try:
        return tuple(checked_host(host) for host in environment.words(name))
    except InvalidRequestError as error:
        raise environment.InvalidSettingError(name, str(error)) from None


def _join_prefix() -> str:
    name = "AMPHI_GATEWAY_JOIN_PREFIX"
    prefix = environment.text(name).rstrip("/")
    if not prefix:
        return ""
    try:
        checked_address(prefix, name=name, schemes=frozenset({"http", "https"}))
    except InvalidRequestError:
        raise environment.InvalidSettingError(
            name, "must be an address such as https://amphi.univ.fr/g"
        ) from None
    parts = urlsplit(prefix)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise environment.InvalidSettingError(name, "must begin with https://: rooms are secrets")
    return prefix


def _proxy(host: str, port: int, *, max_jobs: int, join_prefix: str) -> Proxy | None:
    """The proxy's settings; None when none of them is set.

    Raises:
        InvalidSettingError: only some are set.
    """
    url = environment.text("AMPHI_GATEWAY_PROXY_URL").rstrip("/")
    token = environment.text("AMPHI_GATEWAY_PROXY_TOKEN")
    gw_ids = environment.words("AMPHI_GATEWAY_PROXY_ID")
    address = environment.text("AMPHI_GATEWAY_PROXY_ADDRESS")
    if not (url or token or gw_ids):
        return None
    needed = {
        "AMPHI_GATEWAY_PROXY_URL": url,
        "AMPHI_GATEWAY_PROXY_TOKEN": token,
        "AMPHI_GATEWAY_PROXY_ID": gw_ids,
        "AMPHI_GATEWAY_JOIN_PREFIX": join_prefix,
    }
    for name, value in needed.items():
        if not value:
            raise environment.InvalidSettingError(name, "must be set where a proxy hands out meetings")
    if not address and host in _ANYWHERE:
        raise environment.InvalidSettingError(
            "AMPHI_GATEWAY_PROXY_ADDRESS", "must say where the proxy reaches this gateway: HOST:PORT"
        )
    _check_proxy(url, gw_ids, max_jobs=max_jobs)
    if address:
        environment.parse_address(address, "AMPHI_GATEWAY_PROXY_ADDRESS")
    every_s = environment.integer("AMPHI_GATEWAY_PROXY_EVERY_S", 30, minimum=1)
    return Proxy(url, token, gw_ids, address or f"{host}:{port}", every_s)


def _check_proxy(url: str, gw_ids: tuple[str, ...], *, max_jobs: int) -> None:
    try:
        checked_address(url, name="url", schemes=frozenset({"http", "https"}))
    except InvalidRequestError:
        raise environment.InvalidSettingError("AMPHI_GATEWAY_PROXY_URL", "must be an address") from None
    try:
        names = {checked_gw_id(gw_id) for gw_id in gw_ids}
    except InvalidRequestError as error:
        raise environment.InvalidSettingError("AMPHI_GATEWAY_PROXY_ID", str(error)) from None
    if len(names) != len(gw_ids) or len(names) > max_jobs:
        raise environment.InvalidSettingError(
            "AMPHI_GATEWAY_PROXY_ID", "must hold different names, at most one for each place"
        )
