"""The gateway's ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from amphi.gateway import api, dialect_b, dialect_d
from amphi.gateway.authorization import BearerToken
from amphi.gateway.config import Config
from amphi.gateway.exceptions import GatewayError
from amphi.gateway.jobs import Jobs
from amphi.gateway.registration import Registration
from amphi.gateway.request_ids import RequestIds


def create_app(config: Config) -> Starlette:
    """The application; its lifespan starts and closes the browsers."""
    jobs = Jobs(config)
    registration = Registration(config.proxy, jobs) if config.proxy else None

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
