"""The live page for a crowd: those whom the platform does not know yet, and who come in the same second, get copies of one page.

At the start of a lecture thousands ask for it. A copy costs a twentieth of a page that is made: the web server sends it without Django's
views and without a question to the database. Each has a ticket and a CSRF token of its own; all else is the same for everybody who has
no account, no link and no name here. It is a second old at most: its event stream tells what came since. So whoever is shut out in that
second may still get the page, and no stream: tickets are held against the database.
"""

import copy
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.translation import get_language, get_language_from_request

from amphi.audience.domain import new_visitor, ticket_for
from amphi.audience.models import Event
from amphi.audience.rights import is_open_to_all
from amphi.pages.access import registration_of
from amphi.pages.live.viewers import remember
from amphi.system import security

FRESH_S = 1.0
"""How old a copy may be, in seconds."""
CROWD = 5
"""From so many in a second on they are a crowd. Fewer get a page each, made for them."""
MOST_KEPT = 64
_TICKET = re.compile(rb'"events_url": "/live/\d+/events\?ticket=([^"]+)"')
_TOKEN = re.compile(
    rb'(?<=name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}(?=")|(?<="csrf": ")[A-Za-z0-9]{64}(?=")'
)
_PATH = re.compile(r"/live/([-\w]+)/")
_OWN = frozenset({"x-request-id", "set-cookie", "content-length"})
"""Headers that belong to one answer."""
Make = Callable[[HttpRequest, Event, str], HttpResponse]
"""Makes the page for a visitor."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A page, cut where tickets and tokens stand.

    Attributes:
        made_at: when, by the monotonic clock, in seconds.
        event: whose page it is.
        pieces: of what is the same for all; a token stands between two of them, and a ticket between two pieces of one.
        policy: its content security policy.
        headers: those of the first whole answer; empty until it is there.
    """

    made_at: float
    event: Event
    pieces: Sequence[Sequence[bytes]]
    policy: str
    headers: dict[str, str] = field(default_factory=dict)

    def copy_with(self, ticket: str, token: str) -> HttpResponse:
        """The page for one visitor."""
        content = token.encode().join(ticket.encode().join(piece) for piece in self.pieces)
        answer = HttpResponse(content)
        for name, value in (self.headers or {security.HEADER: self.policy}).items():
            answer.headers[name] = value
        return answer


_kept: dict[tuple[object, ...], Kept] = {}
_asked: dict[tuple[object, ...], tuple[int, int]] = {}
_lock = threading.Lock()


def is_unknown(request: HttpRequest, event: Event) -> bool:
    """Whether nothing of the page depends on who asks."""
    return (
        request.method == "GET"
        and not request.GET
        and registration_of(request) is None
        and is_open_to_all(event)
        and _is_nameless(request)
    )


def page_for(request: HttpRequest, event: Event, visitor: str, make: Make) -> HttpResponse:
    """The live page of `event` for somebody of whom `is_unknown` holds.

    Args:
        request: theirs.
        event: that they may watch.
        visitor: their browser's name.
        make: makes the page; another answer than the page is given as it is.
    """
    key = (event.slug, get_language(), request.scheme, request.get_host())
    if not _is_crowd(key):
        return make(request, event, visitor)
    kept = _kept.get(key)
    if kept is None or time.monotonic() - kept.made_at > FRESH_S:
        with _lock:
            kept = _kept.get(key)
            if kept is None or time.monotonic() - kept.made_at > FRESH_S:
                page = make(_nobody(request), event, new_visitor())
                if page.status_code != HttpResponse.status_code:
                    return page
                kept = _cut(event, page)
                _keep(key, kept)
    answer = kept.copy_with(ticket_for(event, request.user, visitor), get_token(request))
    vars(answer)["copied_from"] = kept
    return answer


def copy_for(request: HttpRequest) -> HttpResponse | None:
    """A copy for somebody whom the platform does not know, when there is one that is fresh; asks no database."""
    path = _PATH.fullmatch(request.path_info)
    if path is None or request.method != "GET" or request.META["QUERY_STRING"] or not _is_nameless(request):
        return None
    try:
        key = (path[1], get_language_from_request(request), request.scheme, request.get_host())
    except DisallowedHost:
        return None
    kept = _kept.get(key)
    if kept is None or not kept.headers or time.monotonic() - kept.made_at > FRESH_S:
        return None
    request.user = AnonymousUser()
    csrf = CsrfViewMiddleware(lambda _: HttpResponse())
    csrf.process_request(request)
    visitor = new_visitor()
    answer = kept.copy_with(ticket_for(kept.event, request.user, visitor), get_token(request))
    answer.headers["Content-Length"] = str(len(answer.content))
    csrf.process_response(request, answer)
    return remember(answer, request, visitor)


def note(answer: HttpResponseBase) -> None:
    """Keep the headers of a whole answer for its copies."""
    kept: Kept | None = getattr(answer, "copied_from", None)
    if kept is not None and not kept.headers:
        kept.headers.update({name: value for name, value in answer.items() if name.lower() not in _OWN})


def _is_nameless(request: HttpRequest) -> bool:
    return set(request.COOKIES) <= {settings.LANGUAGE_COOKIE_NAME, settings.CSRF_COOKIE_NAME}


def _is_crowd(key: tuple[object, ...]) -> bool:
    """Whether many ask in this second; not exact while several threads count, nor need it be."""
    now = int(time.monotonic())
    second, count = _asked.get(key, (now, 0))
    if second == now:
        count += 1
    elif count > CROWD and second == now - 1:
        # It goes on.
        count = CROWD + 1
    else:
        count = 1
    if len(_asked) > MOST_KEPT:
        _asked.clear()
    _asked[key] = (now, count)
    return count > CROWD


def _keep(key: tuple[object, ...], kept: Kept) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = kept


def _nobody(request: HttpRequest) -> HttpRequest:
    """The same request with another CSRF secret: what is made with it belongs to nobody."""
    scratch = copy.copy(request)
    scratch.META = {name: value for name, value in request.META.items() if not name.startswith("CSRF_COOKIE")}
    return scratch


def _cut(event: Event, page: HttpResponse) -> Kept:
    """Cut a page where its ticket and its tokens stand."""
    made_at = time.monotonic()
    ticket = _TICKET.search(page.content)
    if ticket is None:
        raise ValueError("a live page without a ticket")
    pieces = [piece.split(ticket[1]) for piece in _TOKEN.split(page.content)]
    return Kept(made_at, event, pieces, page.headers[security.HEADER])
