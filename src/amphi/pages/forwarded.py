"""Warns of a proxy that is not in ``AMPHI_TRUSTED_PROXIES``: all its visitors then share its address, so one who guesses passwords locks out all others."""

import logging

from amphi.audience.stream import Scope

log = logging.getLogger(__name__)


class UnknownProxies:
    """Logs one warning about an untrusted proxy. For trusted ones, uvicorn has already replaced the address."""

    def __init__(self) -> None:
        self._warned = False

    def look(self, scope: Scope) -> None:
        """Warn if the request has a forwarded address that was not accepted."""
        if self._warned:
            return
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        address = (scope.get("client") or ("",))[0]
        if not named or not address or address in {one.strip() for one in ",".join(named).split(",")}:
            return
        self._warned = True
        log.warning(
            "%s names its visitors (X-Forwarded-For) and is not believed; if it is a proxy of yours, name it in AMPHI_TRUSTED_PROXIES",
            address,
        )
