"""``amphi origin``: RTMP in, low-latency HLS out."""

import argparse
import dataclasses
import errno
import logging
import sys
from datetime import timedelta
from typing import Any

import uvloop

from amphi.origin.config import Config, from_environment
from amphi.origin.conformance.cli import main as conformance_check
from amphi.origin.service import listen, serve_until_signal
from amphi.system import logs, memory
from amphi.system.environment import parse_address


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amphi origin",
        description="Takes H.264 and AAC by RTMP and serves low-latency HLS.",
        epilog="To check a stream, this origin's or any other's: amphi origin check URL. Secrets come from the environment only: AMPHI_ORIGIN_KEYS, AMPHI_ORIGIN_TOKEN, AMPHI_TICKET_KEY.",
    )
    parser.add_argument("--rtmp", metavar="HOST:PORT", help="where publishers connect (AMPHI_ORIGIN_RTMP)")
    parser.add_argument("--http", metavar="HOST:PORT", help="where listeners connect (AMPHI_ORIGIN_HTTP)")
    parser.add_argument("--on-publish", metavar="URL", help="asked who may publish (AMPHI_ORIGIN_ON_PUBLISH)")
    parser.add_argument(
        "--on-publish-done", metavar="URL", help="told of ends (AMPHI_ORIGIN_ON_PUBLISH_DONE)"
    )
    parser.add_argument("--part-ms", type=int, metavar="MS", help="a part's duration (AMPHI_ORIGIN_PART_MS)")
    parser.add_argument("--window", type=int, metavar="S", help="what a playlist lists (AMPHI_ORIGIN_WINDOW)")
    parser.add_argument("--open", action="store_true", help="let anybody publish: only to try by hand")
    return parser


def _configure(argv: list[str]) -> Config:
    options = _parser().parse_args(argv)
    changes: dict[str, Any] = {}
    if options.rtmp:
        changes["rtmp"] = parse_address(options.rtmp, "--rtmp")
    if options.http:
        changes["http"] = parse_address(options.http, "--http")
    if options.on_publish:
        changes["on_publish"] = options.on_publish
    if options.on_publish_done:
        changes["on_publish_done"] = options.on_publish_done
    if options.part_ms:
        changes["part"] = timedelta(milliseconds=options.part_ms)
    if options.window:
        changes["window"] = timedelta(seconds=options.window)
    if options.open:
        changes["open"] = True
    return dataclasses.replace(from_environment(), **changes)


def main(argv: list[str]) -> int:
    """Run the origin until it is told to stop, or ``check`` a stream; the exit status is returned."""
    if argv[:1] == ["check"]:
        return conformance_check(argv[1:])
    config = _configure(argv)
    logs.to_stderr()
    for noisy in ("uvicorn", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if config.open:
        logging.getLogger(__name__).warning("--open: anybody who reaches the RTMP port may publish anything")
    sockets = []
    for address, option, name in ((config.rtmp, "--rtmp", "RTMP"), (config.http, "--http", "HTTP")):
        try:
            sockets.append(listen(address))
        except OSError as error:
            reason = (
                "is in use already"
                if error.errno == errno.EADDRINUSE
                else f"can't be listened on: {error.strerror}"
            )
            variable = f"AMPHI_ORIGIN_{name}"
            sys.stderr.write(
                f"amphi origin: {address[0]}:{address[1]} ({name}) {reason}; see {option} or {variable}\n"
            )
            return 1
    memory.end_without()
    uvloop.run(serve_until_signal(config, *sockets))
    return 0
