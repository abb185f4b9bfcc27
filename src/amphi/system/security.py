"""What browsers are told to refuse."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = {
    "default-src": "'self'",
    # Bootstrap draws its arrows and ticks as data images in its style sheet.
    "img-src": "'self' data: blob:",
    # The player's components carry their style in their shadow tree; scripts have no such exception.
    "style-src": "'self' 'unsafe-inline'",
    "script-src": "'self'",
    # Broadcasters, which the administrator adds at any time, may be on any host.
    "connect-src": "'self' http: https:",
    "media-src": "'self' blob: http: https:",
    "worker-src": "'self' blob:",
    # Starting a webinar answers with a redirection to the meeting server, which may pass it on to another host.
    "form-action": "'self' http: https:",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
}
HEADER = "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items())


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Adds the Content-Security-Policy header, unless a view set one of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:  # noqa: ARG002 -- Django's signature
        response.headers.setdefault("Content-Security-Policy", HEADER)
        return response
