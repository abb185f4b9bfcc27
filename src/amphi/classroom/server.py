"""The classroom's web application, and the loop that serves it."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from amphi.classroom import api, site
from amphi.classroom.clock import Clock
from amphi.classroom.config import Config
from amphi.classroom.service import Classroom
from amphi.system.http_heads import BoundedHTTPProtocol

logger = logging.getLogger(__name__)

TICK_S = 0.5
SHUTDOWN_TIMEOUT_S = 1
MAX_MESSAGE_BYTES = 256 * 1024


async def _tick(classroom: Classroom) -> None:
    while True:
        classroom.tick()
        await asyncio.sleep(TICK_S)


def application(config: Config, clock: Clock | None = None) -> Starlette:
    """The ASGI application.

    Args:
        config: the server's settings.
        clock: the clock for the ends of meetings and for new attempts of deliveries.
    """
    classroom = Classroom(config, clock or Clock())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        ticker = asyncio.create_task(_tick(classroom))
        yield
        ticker.cancel()
        await classroom.close()

    app = Starlette(routes=[*api.routes(classroom), *site.routes()], lifespan=lifespan)
    app.state.classroom = classroom
    return app


def server(app: Starlette) -> uvicorn.Server:
    """A server for `app`, for a socket that listens already."""
    settings = uvicorn.Config(
        app,
        http=BoundedHTTPProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=10,
        ws_ping_timeout=15,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        server_header=False,
    )
    return uvicorn.Server(settings)


def listen(config: Config) -> socket.socket:
    """Listen on the configured address.

    Raises:
        OSError: the address is in use, or does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    return socket.create_server((config.host, config.port), family=family, backlog=256)


async def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    running = server(app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops on the signal, then raises it again for the previous handler, which is this one.
        loop.add_signal_handler(number, lambda: None)
    await running.serve(sockets=[listener])
