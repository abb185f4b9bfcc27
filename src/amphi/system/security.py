"""The Content-Security-Policy: what browsers must refuse to load."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

HEADER = "Content-Security-Policy"
POLICY = {
    "default-src": "'self'",
    # Bootstrap's style sheet contains arrows and ticks as data: images.
    "img-src": "'self' data: blob:",
    # The player's components have inline styles in their shadow trees. Scripts have no such exception.
    "style-src": "'self' 'unsafe-inline'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "worker-src": "'self' blob:",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    # No text becomes HTML or a script's address but by these: `static/trusted.js`, `static/live/fresh_page.js`.
    "require-trusted-types-for": "'script'",
    "trusted-types": "default amphi",
}
LEADING_OUT = ("/meetings/", "/meeting/", "/g/", "/webinars/")
"""Pages whose forms redirect to the meeting server. It may redirect again, as Scalelite does, to hosts that are not known here."""
ANYWHERE = "'self' http: https:"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme else url


def policy(
    *, pictures_from: Iterable[str] = (), forms_to: str = "'self'", framed_by: Iterable[str] = ()
) -> str:
    """The header.

    Args:
        pictures_from: addresses whose servers the page fetches pictures and sound from.
        forms_to: where the answer to a form may lead.
        framed_by: the sites whose pages may show the page in a frame, besides our own; none if empty.
    """
    # Replays may lead to the bucket.
    servers = [*pictures_from, *filter(None, [settings.BUCKET_URL])]
    hosts = "".join(f" {host}" for host in sorted({_origin(url) for url in servers}))
    more = {
        "connect-src": POLICY["connect-src"] + hosts,
        "media-src": POLICY["media-src"] + hosts,
        "form-action": forms_to,
    }
    if sites := list(framed_by):
        more["frame-ancestors"] = " ".join(["'self'", *sites])
    return "; ".join(f"{directive} {sources}" for directive, sources in (POLICY | more).items())


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Adds the Content-Security-Policy header, unless a view set one of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if HEADER not in response.headers:
            forms_to = ANYWHERE if request.path.startswith(LEADING_OUT) else "'self'"
            response.headers[HEADER] = policy(forms_to=forms_to)
        return response
