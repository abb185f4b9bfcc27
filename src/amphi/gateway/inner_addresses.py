"""Keeps a meeting's page from showing what only this machine or its network can reach: whatever a page shows is sent to thousands."""

import contextlib
import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from playwright.async_api import Error, Page, Route

# What may be an inner address, to begin with: everything else passes without being looked at here.
_SUSPECT = re.compile(
    r"^https?://(\[|[\d.]+([:/?#]|$)|0x|([^/@]*\.)?localhost\.?([:/?#]|$)|[^/]*@)", re.IGNORECASE
)


def is_inner(host: str) -> bool:
    """Whether a host is written as this machine or as a private address. Names are not resolved: see docs/gateway.md."""
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _origin(parts: SplitResult) -> tuple[str | None, int]:
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


async def keep_out(page: Page, join_url: str) -> None:
    """Refuse what the page loads from inner addresses, but for its own server and the one that it was joined at.

    Args:
        page: before it loads anything.
        join_url: what it will be sent to.
    """

    async def decide(route: Route) -> None:
        request = route.request
        is_own_step = request.is_navigation_request() and request.frame.parent_frame is None
        target = urlsplit(request.url)
        own = {_origin(urlsplit(join_url)), _origin(urlsplit(page.url))}
        with contextlib.suppress(Error):  # the page is gone meanwhile
            if is_own_step or _origin(target) in own or not is_inner(target.hostname or ""):
                await route.continue_()
            else:
                await route.abort("blockedbyclient")

    await page.route(_SUSPECT, decide)
