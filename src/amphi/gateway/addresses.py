"""Which addresses a job may name, and what of them a log may show."""

import re
from urllib.parse import urlsplit

from amphi.gateway.exceptions import InvalidRequestError

MAX_ADDRESS_CHARACTERS = 4096
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GW_ID = re.compile(r"[A-Za-z0-9._-]{1,60}")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def checked_job_id(job_id: str) -> str:
    """The job id, when it is 1 to 64 letters, digits, dots, dashes, underscores.

    Raises:
        InvalidRequestError: it is not.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidRequestError("a job id is 1 to 64 letters, digits, dots, dashes or underscores")
    return job_id


def checked_gw_id(gw_id: str) -> str:
    """The name of a gateway of SIPMediaGW 1.8, when it is 1 to 60 letters, digits, dots, dashes, underscores.

    Raises:
        InvalidRequestError: it is not.
    """
    if not _GW_ID.fullmatch(gw_id):
        raise InvalidRequestError(
            "a gateway is named by 1 to 60 letters, digits, dots, dashes or underscores"
        )
    return gw_id


def checked_address(value: str, *, name: str, schemes: frozenset[str]) -> str:
    """The address, when it is an absolute one of an allowed scheme.

    Args:
        value: what the caller gave.
        name: what the caller calls it.
        schemes: lower-case schemes that may be used.

    Raises:
        InvalidRequestError: another scheme, no host, a control character, or too long.
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


def checked_join_url(value: str) -> str:
    return checked_address(value, name="join_url", schemes=frozenset({"http", "https"}))


def checked_rtmp_url(value: str) -> str:
    return checked_address(value, name="rtmp_url", schemes=frozenset({"rtmp", "rtmps"}))


def redacted(address: str) -> str:
    """The address without what opens doors: user, query, and all of the path but its first part."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    first = parts.path.split("/")[1] if "/" in parts.path else ""
    return f"{parts.scheme}://{parts.hostname}{port}/{first}/…"
