"""The gateway's ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from amphi.gateway import api, dialect_b
from amphi.gateway.authorization import BearerToken
from amphi.gateway.config import Config
from amphi.gateway.exceptions import GatewayError
from amphi.gateway.jobs import Jobs


def create_app(config: Config) -> Starlette:
    """The application; its lifespan starts and ends the browsers."""
    jobs = Jobs(config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await jobs.open()
        try:
            yield
        finally:
            await jobs.close()

    app = Starlette(
        routes=[*api.ROUTES, *dialect_b.ROUTES],
        middleware=[Middleware(BearerToken, token=config.token)],
        exception_handlers={GatewayError: api.error_response},
        lifespan=lifespan,
    )
    app.state.jobs = jobs
    return app
