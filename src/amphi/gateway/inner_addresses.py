"""Stops pages from loading private addresses of this machine or its network, since thousands watch what a page shows."""

import contextlib
import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error

if TYPE_CHECKING:
    from playwright.async_api import Page, Request, Route

# Addresses that may be private; all others load without a check.
_SUSPECT = r"https?://(\[|[\d.]+([:/?#]|$)|0x|([^/@]*\.)?localhost\.?([:/?#]|$)|[^/]*@)"


def _suspects(join_url: str) -> re.Pattern[str]:
    """A pattern for addresses to check. It leaves out the joined server's own, since each check costs a round trip to the browser."""
    parts = urlsplit(join_url)
    own = re.escape(f"{parts.scheme}://{parts.netloc}")
    return re.compile(rf"^(?!{own}([/?#]|$)){_SUSPECT}", re.IGNORECASE)


def is_inner(host: str) -> bool:
    """Whether a host is this machine or a private address. Names are not resolved: see docs/gateway.md."""
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _origin(address: str) -> tuple[str | None, int]:
    parts = urlsplit(address)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def may_load(address: str, *, join_url: str, page_url: str, is_own_step: bool) -> bool:
    """Whether a page may load an address.

    Args:
        address: the address to load.
        join_url: the job's address. If that is private, the page may go on to another private address.
        page_url: the page's current address.
        is_own_step: the page itself goes there, rather than one of its frames or resources.
    """
    if not is_inner(_host(address)) or _origin(address) in {_origin(join_url), _origin(page_url)}:
        return True
    return is_own_step and is_inner(_host(join_url))


async def keep_out(page: "Page", join_url: str, on_trespass: Callable[[str], None]) -> None:
    """Refuse requests of the page to private addresses, except to its own server and that of `join_url`.

    Args:
        page: the page, before it loads anything.
        join_url: the job's address.
        on_trespass: called with a sentence when a redirect led to a private address: redirects can be seen but not refused.
    """
    suspects = _suspects(join_url)

    def is_allowed(request: "Request") -> bool:
        is_own_step = request.is_navigation_request() and request.frame.parent_frame is None
        return may_load(request.url, join_url=join_url, page_url=page.url, is_own_step=is_own_step)

    async def decide(route: "Route") -> None:
        with contextlib.suppress(Error):  # the page may have been closed meanwhile
            await (route.continue_() if is_allowed(route.request) else route.abort("blockedbyclient"))

    def look(request: "Request") -> None:
        if request.redirected_from is None or not suspects.match(request.url):
            return
        with contextlib.suppress(Error):
            if not is_allowed(request):
                on_trespass(
                    f"the page was led to {_host(request.url)}, which only this machine or network can reach"
                )

    await page.route(suspects, decide)
    page.on("request", look)
