"""The gateway's ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

from amphi.gateway import api, dialect_b, dialect_d
from amphi.gateway.authorization import BearerToken
from amphi.gateway.config import Config, Proxy
from amphi.gateway.exceptions import GatewayError
from amphi.gateway.jobs import Jobs
from amphi.gateway.request_ids import RequestIds

if TYPE_CHECKING:
    from amphi.gateway.registration import Registration


def _registration(proxy: Proxy, jobs: Jobs) -> "Registration":
    # What it calls by takes a third of all that is imported here, and few gateways have a proxy.
    from amphi.gateway.registration import Registration  # noqa: PLC0415 -- see above

    return Registration(proxy, jobs)


def create_app(config: Config) -> Starlette:
    """The application; its lifespan starts and closes the browsers."""
    jobs = Jobs(config)
    registration = _registration(config.proxy, jobs) if config.proxy else None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await jobs.open()
        if registration is not None:
            registration.start()
        try:
            yield
        finally:
            leaving = [registration.close()] if registration is not None else []
            await asyncio.gather(jobs.close(), *leaving)

    app = Starlette(
        routes=[*api.ROUTES, *dialect_b.ROUTES, *dialect_d.ROUTES],
        middleware=[Middleware(BearerToken, config=config), Middleware(RequestIds)],
        exception_handlers={GatewayError: api.error_response},
        lifespan=lifespan,
    )
    app.state.jobs = jobs
    app.state.config = config
    app.state.pod_chat = dialect_b.PodChat()
    return app
