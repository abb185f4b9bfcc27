"""Who watches, as a request says it: the account, else the browser by its cookie."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from amphi.audience.domain import is_visitor, new_visitor
from amphi.audience.speakers import viewer_of
from amphi.system.addresses import network_of

if TYPE_CHECKING:
    from amphi.audience.models import Registration

VISITOR_COOKIE = "amphi_viewer"


def visitor_in(request: HttpRequest) -> str:
    """The browser's name as it was given; empty for one that has none yet."""
    given = request.COOKIES.get(VISITOR_COOKIE, "")
    return given if is_visitor(given) else ""


def visitor_of(request: HttpRequest) -> str:
    """The browser's name, as it was given or a new one."""
    return visitor_in(request) or new_visitor()


def viewer_in(request: HttpRequest) -> str:
    """Who watches, as tickets name them, by a personal link if they do; empty for a browser that has no name yet."""
    registration: Registration | None = getattr(request, "registration", None)
    if registration is not None:
        return registration.viewer
    return viewer_of(request.user, visitor_in(request))


def network_in(request: HttpRequest) -> str:
    """Where a request comes from, as far as one person can choose it."""
    return network_of(str(request.META.get("REMOTE_ADDR", "")))


def remember(response: HttpResponse, request: HttpRequest, visitor: str) -> HttpResponse:
    """Have the browser say its name again until it is closed, so that its tabs and visits count as one viewer."""
    if not request.user.is_authenticated:
        response.set_cookie(
            VISITOR_COOKIE, visitor, httponly=True, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax"
        )
    return response
