"""The bearer token, on every route except ``/healthz``, ``/metrics``, which has a token of its own, and, if a setting allows it, Esup-Pod's chat."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from amphi.gateway import dialect_b, dialect_d
from amphi.gateway.config import Config
from amphi.system import metrics

OPEN_PATHS = frozenset({"/healthz"})
_REFUSED = "authorization error"


class BearerToken:
    """Requires the token (RFC 6750, section 2.1). As in SIPMediaGW, the token without ``Bearer`` is accepted too."""

    def __init__(self, app: ASGIApp, *, config: Config) -> None:
        self._app = app
        self._token = config.token.encode()
        self._metrics_token = config.metrics_token
        # The proxy of SIPMediaGW 1.8 sends its own token to its gateways. It is valid only for the routes that the proxy calls.
        self._proxy_token = config.proxy.token.encode() if config.proxy else self._token
        self._pod_chat = config.pod_chat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization")
        if self._is_right_for(scope["path"], given or ""):
            await self._app(scope, receive, send)
        elif self._pod_chat and given is None and (scope["method"], scope["path"]) == ("POST", "/chat"):
            # Esup-Pod 4.1 sends its listeners' messages without a token.
            scope.setdefault("state", {})[dialect_b.ANONYMOUS] = True
            await self._app(scope, receive, send)
        else:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            await JSONResponse(_refusal(scope["path"]), 401, headers)(scope, receive, send)

    def _is_right_for(self, path: str, given: str) -> bool:
        reads_figures = metrics.status_for(given, self._metrics_token) == 200  # noqa: PLR2004 -- HTTP's OK
        if path == metrics.PATH and reads_figures:
            return True
        return self._is_right(given, is_of_proxy=path in dialect_d.PATHS)

    def _is_right(self, given: str, *, is_of_proxy: bool) -> bool:
        scheme, _, rest = given.partition(" ")
        token = (rest.strip() if scheme.lower() == "bearer" else given.strip()).encode()
        is_ours = hmac.compare_digest(token, self._token)
        is_its = hmac.compare_digest(token, self._proxy_token)
        return is_ours or (is_its and is_of_proxy)


def _refusal(path: str) -> dict[str, object]:
    if path in dialect_b.PATHS:
        return dialect_b.refusal(path, _REFUSED)
    if path in dialect_d.PATHS:
        return dialect_d.refusal(401, _REFUSED)
    return {"error": "unauthorized", "detail": "a bearer token is needed"}
