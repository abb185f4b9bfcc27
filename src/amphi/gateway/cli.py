"""``amphi gateway``."""

import argparse
import asyncio
import dataclasses
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from amphi.gateway import check
from amphi.gateway.app import create_app
from amphi.gateway.config import Config, config_from_environment
from amphi.system import environment, logs, memory
from amphi.system.http_heads import BoundedHTTPProtocol

logger = logging.getLogger(__name__)


def parser(defaults: Config) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="amphi gateway",
        description="Joins meetings and sends their picture and sound by RTMP. The token comes from AMPHI_GATEWAY_TOKEN.",
        epilog="amphi gateway check JOIN_URL joins one meeting, sends nothing, and says what works there.",
    )
    made.add_argument(
        "--http", metavar="HOST:PORT", help=f"where to listen ({defaults.host}:{defaults.port})"
    )
    made.add_argument(
        "--max-jobs", type=int, default=defaults.max_jobs, help="meetings at once (%(default)s)"
    )
    made.add_argument("--chromium", type=Path, default=defaults.chromium, help="the browser (%(default)s)")
    made.add_argument("--ffmpeg", type=Path, default=defaults.ffmpeg, help="(%(default)s)")
    made.add_argument("--fps", type=int, default=defaults.fps, help="pictures per second (%(default)s)")
    made.add_argument(
        "--bitrate-kbps", type=int, default=defaults.bitrate_kbps, help="of the picture (%(default)s)"
    )
    made.add_argument("--warm", type=int, default=defaults.warm, help="browsers kept ready (%(default)s)")
    made.add_argument(
        "--join-timeout-s", type=int, default=defaults.join_timeout_s, help="to enter a meeting (%(default)s)"
    )
    made.add_argument(
        "--any-page",
        action="store_true",
        default=defaults.any_page,
        help="also send pages that are no known meeting",
    )
    made.add_argument(
        "--classroom",
        action="store_true",
        default=defaults.classroom,
        help="also send meetings of `amphi classroom`, which any page can claim to be",
    )
    return made


def read_config(argv: list[str]) -> Config:
    """The settings from the environment, overridden by the command line."""
    config = config_from_environment()
    options = vars(parser(config).parse_args(argv))
    address = options.pop("http")
    if address:
        options["host"], options["port"] = environment.parse_address(address, "--http")
    return dataclasses.replace(config, **options)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def main(argv: list[str]) -> int:
    """Serve until a signal comes; returns the exit status."""
    if argv[:1] == ["check"]:
        return check.main(argv[1:], config_from_environment(needs_token=False))
    config = read_config(argv)
    for program in (config.chromium, config.ffmpeg, Path("/usr/bin/setpriv")):
        if not os.access(program, os.X_OK):
            sys.stderr.write(f"amphi gateway: {program} is not there, or can't be run\n")
            return 2
    logs.to_stderr()
    for chatty in ("websockets.server", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        listener = listen(config.host, config.port)
    except OSError as error:
        sys.stderr.write(
            f"amphi gateway: can't listen on {config.host}:{config.port}: {os.strerror(error.errno or 0)}\n"
        )
        return 1
    # When uvicorn is done, it raises the signal again that ended it. Ignore it, so that the exit status is ours.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=1,
            http=BoundedHTTPProtocol,
        )
    )
    memory.end_without()
    with listener, asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        memory.end_loop_without(runner.get_loop())
        runner.run(server.serve(sockets=[listener]))
    return 0
