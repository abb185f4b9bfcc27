"""``amphi web``: pages, events and webhooks, on uvicorn."""

import argparse
import asyncio
import gc
import importlib
import os
import signal
import socket
import sys

import uvicorn

from amphi.audience.http_protocol import StreamHTTPProtocol
from amphi.pages import processes
from amphi.system import environment as env
from amphi.system import garbage, memory

MOST_WORKERS = 16
STOP_S = 1
"""How long requests under way may still take after the server is told to stop, in seconds."""


class Server(uvicorn.Server):
    """Uvicorn that first ends the open event streams when it stops, since they never end by themselves.

    Args:
        config: uvicorn's.
        parent: the process without which it stops; None for one that stands alone.
    """

    def __init__(self, config: uvicorn.Config, parent: int | None) -> None:
        super().__init__(config)
        self._parent = parent

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._parent is not None and os.getppid() != self._parent:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from amphi.pages.asgi import close, hub  # noqa: PLC0415 -- sets Django up

        await hub.close()
        await super().shutdown(sockets)
        close()


def _workers(value: str) -> int:
    number = int(value)
    if not 1 <= number <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST_WORKERS}")
    return number


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amphi web", description="Serves pages, events and webhooks.")
    parser.add_argument("--http", metavar="HOST:PORT", help="where to listen (AMPHI_HTTP)")
    parser.add_argument(
        "--workers", type=_workers, default=1, metavar="N", help="how many processes, 1 to 16 (default: 1)"
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT; returns the process's exit status."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    from django.conf import settings  # noqa: PLC0415 -- needs the line above

    host, port = env.parse_address(options.http, "--http") if options.http else settings.AMPHI_HTTP
    try:
        sockets = processes.listen(host, port, options.workers)
    except OSError as error:
        print(f"amphi web: can't listen on {host}:{port}: {error.strerror}", file=sys.stderr)  # noqa: T201 -- a command's answer
        return 1
    if options.workers == 1:
        return _serve(sockets[0])
    _load()
    return processes.run(sockets, lambda listener: _serve(listener, parent=os.getppid()))


def _load() -> None:
    """Load once what all processes run, before they are: it takes a second, in which a hall waits after a restart."""
    import django  # noqa: PLC0415 -- only the web server needs all of it
    from django.conf import settings  # noqa: PLC0415 -- needs the settings' name

    django.setup(set_prefix=False)
    importlib.import_module(settings.ROOT_URLCONF)
    # What is loaded is looked through, and so copied, by none of them.
    gc.freeze()


def _serve(listener: socket.socket, parent: int | None = None) -> int:
    from django.conf import settings  # noqa: PLC0415 -- Django is set up by then

    config = uvicorn.Config(
        "amphi.pages.asgi:application",
        loop="uvloop",
        http=StreamHTTPProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.AMPHI_TRUSTED_PROXIES),
        timeout_graceful_shutdown=STOP_S,
        backlog=processes.BACKLOG,
    )
    server = Server(config, parent)
    memory.end_without()
    config.load()
    from amphi.pages.asgi import start  # noqa: PLC0415 -- sets Django up

    start()
    # That would cost a sixth of each new stream.
    garbage.look_seldom()

    def stop(*_: object) -> None:
        server.should_exit = True

    # After stopping, uvicorn raises the signal again that stopped it. That is not an error.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        memory.end_loop_without(runner.get_loop())
        runner.run(server.serve(sockets=[listener]))
    return 0
