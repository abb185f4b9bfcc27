"""``amphi web``: pages, events and webhooks, on uvicorn."""

import argparse
import asyncio
import os
import signal
import socket
import sys

import uvicorn

from amphi.system import environment as env
from amphi.system.http_heads import BoundedHTTPProtocol

STOP_S = 1
"""How long requests under way may still take after the server is told to stop, in seconds."""


class Server(uvicorn.Server):
    """Uvicorn that first ends the open event streams when it stops, since they never end by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from amphi.pages.asgi import close, hub  # noqa: PLC0415 -- sets Django up

        await hub.close()
        await super().shutdown(sockets)
        close()


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amphi web", description="Serves pages, events and webhooks.")
    parser.add_argument("--http", metavar="HOST:PORT", help="where to listen (AMPHI_HTTP)")
    return parser.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def main(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT; returns the process's exit status."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    from django.conf import settings  # noqa: PLC0415 -- needs the line above

    host, port = env.parse_address(options.http, "--http") if options.http else settings.AMPHI_HTTP
    try:
        listener = _listen(host, port)
    except OSError as error:
        print(f"amphi web: can't listen on {host}:{port}: {error.strerror}", file=sys.stderr)  # noqa: T201 -- a command's answer
        return 1
    config = uvicorn.Config(
        "amphi.pages.asgi:application",
        loop="uvloop",
        http=BoundedHTTPProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.AMPHI_TRUSTED_PROXIES),
        timeout_graceful_shutdown=STOP_S,
    )
    server = Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # After stopping, uvicorn raises the signal again that stopped it. That is not an error.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))
    return 0
