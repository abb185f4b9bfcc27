"""Keeps a meeting's page from showing what only this machine or its network can reach: whatever a page shows is sent to thousands."""

import contextlib
import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error

if TYPE_CHECKING:
    from playwright.async_api import Page, Request, Route

# What may be an inner address, to begin with: everything else passes without being looked at here.
_SUSPECT = r"https?://(\[|[\d.]+([:/?#]|$)|0x|([^/@]*\.)?localhost\.?([:/?#]|$)|[^/]*@)"


def _suspects(join_url: str) -> re.Pattern[str]:
    """The addresses that are looked at, but for those of the server itself that was joined: each look costs a call to and fro."""
    parts = urlsplit(join_url)
    own = re.escape(f"{parts.scheme}://{parts.netloc}")
    return re.compile(rf"^(?!{own}([/?#]|$)){_SUSPECT}", re.IGNORECASE)


def is_inner(host: str) -> bool:
    """Whether a host is written as this machine or as a private address. Names are not resolved: see docs/gateway.md."""
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
        address: what it asks for.
        join_url: what the page was sent to: a platform that is inner itself may lead to an inner meeting.
        page_url: where it is now.
        is_own_step: it goes there itself, rather than showing it in a part of it.
    """
    if not is_inner(_host(address)) or _origin(address) in {_origin(join_url), _origin(page_url)}:
        return True
    return is_own_step and is_inner(_host(join_url))


async def keep_out(page: "Page", join_url: str, on_trespass: Callable[[str], None]) -> None:
    """Refuse what the page loads from inner addresses, but for its own server and the one that it was joined at.

    Args:
        page: before it loads anything.
        join_url: what it will be sent to.
        on_trespass: told, in a sentence, when a redirect has led to one: those can only be seen, not refused.
    """
    suspects = _suspects(join_url)

    def is_allowed(request: "Request") -> bool:
        is_own_step = request.is_navigation_request() and request.frame.parent_frame is None
        return may_load(request.url, join_url=join_url, page_url=page.url, is_own_step=is_own_step)

    async def decide(route: "Route") -> None:
        with contextlib.suppress(Error):  # the page is gone meanwhile
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
