"""Checks the names and addresses of a job, and hides their secrets for logs."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from amphi.gateway.exceptions import InvalidRequestError

MAX_ADDRESS_CHARACTERS = 4096
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GW_ID = re.compile(r"[A-Za-z0-9._-]{1,60}")
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
MAX_RTMP_PART_BYTES = 900
"""ffmpeg reads no longer lines from a preset file."""

_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def checked_job_id(job_id: str) -> str:
    """Return the job id if it is 1 to 64 letters, digits, dots, dashes and underscores.

    Raises:
        InvalidRequestError: it is not.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidRequestError("a job id is 1 to 64 letters, digits, dots, dashes or underscores")
    return job_id


def checked_gw_id(gw_id: str) -> str:
    """Return the name of a gateway of SIPMediaGW 1.8 if it is 1 to 60 letters, digits, dots, dashes and underscores.

    Raises:
        InvalidRequestError: it is not.
    """
    if not _GW_ID.fullmatch(gw_id):
        raise InvalidRequestError(
            "a gateway is named by 1 to 60 letters, digits, dots, dashes or underscores"
        )
    return gw_id


def checked_address(value: str, *, name: str, schemes: frozenset[str]) -> str:
    """Return the address if it is absolute and of an allowed scheme.

    Args:
        value: the address, from the request.
        name: the field's name in the request, for the message.
        schemes: the allowed schemes, in lower case.

    Raises:
        InvalidRequestError: it has another scheme, no host or a control character, or is too long.
    """
    if len(value) > MAX_ADDRESS_CHARACTERS or _CONTROL.search(value):
        raise InvalidRequestError(f"{name} is not an address")
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise InvalidRequestError(f"{name} is not an address") from None
    if parts.scheme not in schemes or not host:
        raise InvalidRequestError(f"{name} must be an address of {' or '.join(sorted(schemes))}")
    return value


def checked_join_url(value: str, hosts: Sequence[str] = ()) -> str:
    """Return the address of a meeting if the bot may join it.

    Args:
        value: the address, from the request.
        hosts: the allowed hosts; empty allows all.

    Raises:
        InvalidRequestError: it is not a valid address, or of another host.
    """
    checked = checked_address(value, name="join_url", schemes=frozenset({"http", "https"}))
    return _of_hosts(checked, hosts, name="join_url")


def checked_rtmp_url(value: str, hosts: Sequence[str] = ()) -> str:
    """Return the RTMP address of a stream if it is allowed; see `checked_join_url`."""
    checked = checked_address(value, name="rtmp_url", schemes=frozenset({"rtmp", "rtmps"}))
    if max(len(part.encode()) for part in server_app_and_playpath(checked)) > MAX_RTMP_PART_BYTES:
        raise InvalidRequestError(
            f"rtmp_url: an application, and a name with its key, have at most {MAX_RTMP_PART_BYTES} bytes"
        )
    return _of_hosts(checked, hosts, name="rtmp_url")


def _of_hosts(address: str, hosts: Sequence[str], *, name: str) -> str:
    if not is_host_among(address, hosts):
        host = urlsplit(address).hostname
        raise InvalidRequestError(f"{name}: this gateway's settings do not allow {host}")
    return address


def is_host_among(address: str, hosts: Sequence[str]) -> bool:
    """Whether the address's host is among `hosts`, such as ``bbb.univ.fr`` or ``*.univ.fr``; always true when `hosts` is empty."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    return not hosts or any(
        host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed for allowed in hosts
    )


def checked_host(value: str) -> str:
    """Return an entry of a list of hosts, in lower case.

    Raises:
        InvalidRequestError: it is neither a host nor ``*.`` and a domain.
    """
    host = value.lower().strip("[]") if value.startswith("[") else value.lower()
    if not (_HOST.fullmatch(host) or _is_ipv6(host)):
        raise InvalidRequestError("must hold hosts such as bbb.univ.fr or *.univ.fr")
    return host


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def server_app_and_playpath(rtmp_url: str) -> tuple[str, str, str]:
    """Split an RTMP address into the server, the application, and the stream's name with its key.

    The application ends at the second slash of the path, or at the only one, as in ffmpeg (libavformat/rtmpproto.c).
    """
    parts = urlsplit(rtmp_url)
    server = f"{parts.scheme}://{parts.netloc}"
    first, slash, rest = parts.path.removeprefix("/").partition("/")
    query = f"?{parts.query}" if parts.query else ""
    if not slash:
        return server, first, query
    second, slash, name = rest.partition("/")
    return (server, f"{first}/{second}", name + query) if slash else (server, first, rest + query)


def redacted(address: str) -> str:
    """The address without its secrets: without user and query, and with only the first part of the path."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    first = parts.path.split("/")[1] if "/" in parts.path else ""
    return f"{parts.scheme}://{parts.hostname}{port}/{first}/…"
