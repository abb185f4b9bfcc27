"""``amphi classroom``: serves the sandbox meeting server until it is stopped."""

import argparse
import asyncio
import logging
import sys

from amphi.classroom import config, profiles, server
from amphi.system.environment import InvalidSettingError

logger = logging.getLogger(__name__)


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi classroom",
        description="A sandbox meeting server that speaks BigBlueButton's API. Production uses BigBlueButton.",
        epilog="AMPHI_CLASSROOM_SECRET, the secret shared with the API's callers, is read from the environment only.",
    )
    parser.add_argument(
        "--http", default="", metavar="HOST:PORT", help=f"address to listen on ({config.DEFAULT_HTTP})"
    )
    parser.add_argument("--url", default="", help="public base address (http://HOST:PORT)")
    parser.add_argument(
        "--profile", default="", choices=[*profiles.PROFILES], help="BBB version to play (3.0)"
    )
    parser.add_argument(
        "--hooks-digest", default="", choices=config.DIGESTS, help="hash that signs webhooks (sha1)"
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Serve; returns the process's exit status."""
    arguments = _arguments(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s"
    )
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # it logs addresses, and a callback's may contain a nonce
    try:
        settings = config.read(
            http=arguments.http,
            url=arguments.url,
            profile=arguments.profile,
            hooks_digest=arguments.hooks_digest,
        )
    except InvalidSettingError as error:
        sys.stderr.write(f"amphi classroom: {error}\n")
        return 2
    try:
        listener = server.listen(settings)
    except OSError as error:
        sys.stderr.write(
            f"amphi classroom: cannot listen on {settings.host}:{settings.port}: {error.strerror}\n"
        )
        return 1
    logger.info(
        "listening on %s:%d as BigBlueButton %s", settings.host, settings.port, settings.profile.version
    )
    with listener:
        asyncio.run(server.serve(server.application(settings), listener))
    return 0
