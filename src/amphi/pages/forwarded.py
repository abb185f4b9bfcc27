"""A proxy that nobody named: all its visitors have its address, and whoever guesses passwords shuts the doors for all of them."""

import logging

from amphi.audience.stream import Scope

log = logging.getLogger(__name__)


class UnknownProxies:
    """Says once that a proxy's word is not taken. uvicorn takes the word of those in ``AMPHI_TRUSTED_PROXIES`` before this."""

    def __init__(self) -> None:
        self._warned = False

    def look(self, scope: Scope) -> None:
        """See whether a request names a visitor whom nobody believes in."""
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
