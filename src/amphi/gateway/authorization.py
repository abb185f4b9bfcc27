"""The bearer token, on every route but ``/healthz``."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from amphi.gateway.dialect_b import PATHS as DIALECT_B_PATHS

OPEN_PATHS = frozenset({"/healthz"})


class BearerToken:
    """Lets through who holds the token (RFC 6750, section 2.1); the bare token passes too, as SIPMediaGW takes it."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._is_right(scope):
            await self._app(scope, receive, send)
            return
        body = {"error": "unauthorized", "detail": "a bearer token is needed"}
        if scope["path"] in DIALECT_B_PATHS:
            body = {"Error": "authorization error"}
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        await JSONResponse(body, 401, headers)(scope, receive, send)

    def _is_right(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "")
        scheme, _, rest = given.partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else given.strip()
        return hmac.compare_digest(token.encode(), self._token)
