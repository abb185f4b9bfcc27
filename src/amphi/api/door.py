"""What every request to the API passes: its token, its rate, and its Idempotency-Key.

Only `Authorization: Bearer` counts. Cookies open nothing here, so other sites can't make a browser ask in somebody's name.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from amphi.accounts import repeats, tokens
from amphi.accounts.models import ApiToken, User
from amphi.accounts.repeats import Remembered
from amphi.api.problems import Problem

View = Callable[..., HttpResponse]


class TokenRequest(HttpRequest):
    """A request with a valid token, as `door` guarantees."""

    token: ApiToken
    user: User


class Scope(HttpBearer):
    """Whether the request's token opens an operation."""

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Any:
        """The token.

        Raises:
            Problem: it has not this scope.
        """
        token: ApiToken = request.token  # type: ignore[attr-defined]
        if self.scope and self.scope not in token.scopes:
            detail = _("The token does not open this: it needs the scope %(scope)s.") % {"scope": self.scope}
            raise Problem(403, "scope_missing", detail, scope=self.scope)
        return token

    def authenticate(self, request: HttpRequest, token: str) -> Any:  # noqa: ARG002 -- ninja's
        """Unused: `door` has found the token."""
        return None


def door(view: View) -> View:
    """Have `view` asked only with a valid token, not too often, and once for each Idempotency-Key."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            token = _token(request)
            request.token, request.user = token, token.user  # type: ignore[attr-defined]
            answer = _once(token, request, lambda: _plain(view(request, *args, **kwargs)))
        except Problem as problem:
            answer = problem.response()
        answer.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(answer, ["Authorization", "Accept-Language"])
        return answer

    guarded.access_rule = "token"  # type: ignore[attr-defined]
    return guarded


def _token(request: HttpRequest) -> ApiToken:
    kind, _space, text = request.headers.get("Authorization", "").partition(" ")
    token = tokens.find(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        headers = {"WWW-Authenticate": 'Bearer realm="amphi"'}
        detail = _("Send a valid token: Authorization: Bearer amphi_…")
        raise Problem(401, "token_needed", detail, headers=headers)
    wait_s = tokens.count_use(token)
    if wait_s is not None:
        detail = _("Too many requests with this token. Try again in %(seconds)s s.") % {"seconds": wait_s}
        raise Problem(429, "too_many", detail, headers={"Retry-After": str(wait_s)})
    return token


def _plain(answer: HttpResponse) -> HttpResponse:
    """A method that is not there is told as a problem, too."""
    if answer.status_code != 405:  # noqa: PLR2004 -- ninja's own answer
        return answer
    return Problem(405, "method", headers={"Allow": answer["Allow"]}).response()


def _once(token: ApiToken, request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method != "POST":
        return answer()
    if len(key) > repeats.LONGEST_KEY or not key.isprintable():
        raise Problem(400, "idempotency_key", _("The Idempotency-Key is too long or has other characters."))
    known = _begin(token, key, request)
    if known is not None:
        headers = {"Idempotent-Replayed": "true"}
        return HttpResponse(known.body, known.content_type, known.status, headers=headers)
    is_answered = False
    try:
        made = answer()
        is_answered = made.status_code < 500  # noqa: PLR2004 -- what failed may be tried again
        if is_answered:
            remembered = Remembered(made.status_code, made["Content-Type"], made.content.decode())
            repeats.finish(token, key, remembered)
    finally:
        if not is_answered:
            repeats.forget(token, key)
    return made


def _begin(token: ApiToken, key: str, request: HttpRequest) -> Remembered | None:
    asked = repeats.fingerprint(request.method or "", request.get_full_path(), request.body)
    try:
        return repeats.begin(token, key, asked)
    except repeats.KeyUsedError:
        detail = _("This Idempotency-Key was sent with another request.")
        raise Problem(422, "idempotency_key_used", detail) from None
    except repeats.UnderWayError:
        detail = _("The first request with this Idempotency-Key is not answered yet.")
        raise Problem(409, "under_way", detail, headers={"Retry-After": "1"}) from None
