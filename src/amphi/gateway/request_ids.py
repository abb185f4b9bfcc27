"""The platform's id of a request, in what is logged for it: a job that it starts logs it to its end."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from amphi.system import request_ids


class RequestIds:
    """Works for the request that a header names; its tasks inherit that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = Headers(scope=scope).get(request_ids.HEADER) if scope["type"] == "http" else None
        with request_ids.using(request_ids.given(header)):
            await self._app(scope, receive, send)
