"""The HTTP client of one gateway: bearer token, JSON both ways, an exception for each kind of failure."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from amphi.sipmediagw.exceptions import (
    GatewayError,
    GatewayFailedError,
    GatewayMisconfiguredError,
    GatewayTimeoutError,
    GatewayUnauthorizedError,
    GatewayUnreachableError,
    NotAGatewayError,
    UntrustedGatewayError,
)
from amphi.system import outbound, request_ids

_LONGEST_DETAIL = 300
_FAILURES: dict[type[outbound.OutboundError], type[GatewayError]] = {
    outbound.DeadlineError: GatewayTimeoutError,
    outbound.UntrustedCertificateError: UntrustedGatewayError,
    outbound.AnswerTooLargeError: NotAGatewayError,
    outbound.GarbledAnswerError: NotAGatewayError,
    outbound.MisconfiguredError: GatewayMisconfiguredError,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A gateway's answer.

    Attributes:
        status: HTTP's status code.
        data: the body if it is a JSON object, else empty.
        text: the body if it is not a JSON object, for short plain-text answers.
        retry_after_s: the Retry-After header, if it is in seconds.
    """

    status: int
    data: dict[str, Any] = field(repr=False)
    text: str = field(repr=False, default="")
    retry_after_s: float | None = None


def base_url(url: str) -> str:
    """A gateway's address without its last slash.

    Raises:
        GatewayMisconfiguredError: it is not an http(s) address, or contains a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url.strip())
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise GatewayMisconfiguredError(f"the address of a gateway can’t be one: {error}") from error
    if parts.scheme not in {"http", "https"} or not has_host:
        raise GatewayMisconfiguredError("the address of a gateway begins with https:// and names a host")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise GatewayMisconfiguredError("the address of a gateway holds no user, query or fragment")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


class Transport:
    """Calls to one gateway; threads may share it.

    Args:
        url: its address.
        token: its bearer token.
        timeout_s: the longest a whole call may take.
        ca_file: PEM certificates to trust instead of the system's.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float, ca_file: Path | str | None) -> None:
        self.url = base_url(url)
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._token = token
        try:
            self._caller = outbound.Caller(timeout_s=timeout_s, ca_file=ca_file, headers=headers)
        except outbound.MisconfiguredError as error:
            raise GatewayMisconfiguredError(str(error)) from error

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def close(self) -> None:
        self._caller.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """Make one call.

        Args:
            method: HTTP's.
            path: below the gateway's address, beginning with a slash.
            query: its parameters.
            body: sent as JSON.
            timeout_s: for this call, instead of the transport's.

        Raises:
            GatewayError: no answer, a page, a redirect, 401, 403, or 5xx without JSON; any other answer is returned.
        """
        url = self.url + path
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe="")
        request_id = request_ids.current()
        headers = {request_ids.HEADER: request_id} if request_id else None
        try:
            answer = self._caller.call(method, url, timeout_s=timeout_s, headers=headers, json=body)
        except outbound.OutboundError as error:
            kind = _FAILURES.get(type(error), GatewayUnreachableError)
            raise kind(f"{method} {path}: {error}") from error
        return self._reply(f"{method} {path}", answer)

    def _reply(self, call: str, answer: outbound.Answer) -> Reply:
        if answer.status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized
            raise GatewayUnauthorizedError(f"{call}: HTTP status 401")
        if 300 <= answer.status < 400:  # noqa: PLR2004 -- HTTP's redirects
            raise NotAGatewayError(f"{call}: HTTP status {answer.status} redirects elsewhere")
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            return self._without_json(call, answer)
        return Reply(answer.status, data, retry_after_s=_retry_after_s(answer))

    def _without_json(self, call: str, answer: outbound.Answer) -> Reply:
        text = answer.body[:_LONGEST_DETAIL].decode("utf-8", "replace").strip()
        if "authorization error" in text.lower():
            raise GatewayUnauthorizedError(f"{call}: HTTP status {answer.status}: authorization error")
        if answer.status >= 500:  # noqa: PLR2004 -- the server's side begins here
            raise GatewayFailedError(f"{call}: HTTP status {answer.status}")
        if 200 <= answer.status < 300 or text.startswith("<"):  # noqa: PLR2004 -- HTTP's successes
            kind = answer.content_type or "no content type"
            raise NotAGatewayError(f"{call}: {len(answer.body)} bytes of {kind} instead of JSON")
        return Reply(answer.status, {}, text, _retry_after_s(answer))

    def clean(self, detail: object) -> str:
        """A gateway's own message for the log: short, on one line and without the token."""
        words = " ".join(str(detail).split())
        return (words.replace(self._token, "…") if self._token else words)[:_LONGEST_DETAIL]


def _retry_after_s(answer: outbound.Answer) -> float | None:
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 -- 11 days
