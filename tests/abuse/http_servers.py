"""The origin and the gateway without sockets, for requests that nobody honest would send."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta

import uvicorn

from amphi.gateway.app import create_app
from amphi.gateway.config import Config as GatewayConfig
from amphi.origin.config import Config
from amphi.origin.http_app import OriginApp
from amphi.origin.http_protocol import QuickHTTPProtocol
from amphi.origin.streams import Streams
from amphi.system.http_heads import BoundedHTTPProtocol
from tests.abuse.http_fuzz import Requests, Server
from tests.origin.running import AUDIO_HEADER, FRAME_MS, VIDEO_HEADER, audio, video

OURS = {"lifespan": "off", "log_config": None, "access_log": False}


def origin() -> tuple[Server, Requests]:
    """An origin that has one stream. Needs a running loop."""
    streams = Streams(Config(slate=False))
    stream = streams.begin("good", object())
    stream.receive(stream.segmenter.receive_video, 0, VIDEO_HEADER)
    stream.receive(stream.segmenter.receive_audio, 0, AUDIO_HEADER)
    for index in range(80):
        stream.receive(stream.segmenter.receive_video, index * FRAME_MS, video(index, key=index % 25 == 0))
        stream.receive(stream.segmenter.receive_audio, index * FRAME_MS, audio(index))
    assert stream.playlist.ready
    # As `service.py` has it.
    app = OriginApp(Config(token="t", metrics_token="m", window=timedelta(seconds=30)), streams)
    config = uvicorn.Config(app, http=QuickHTTPProtocol, ws="none", server_header=False, **OURS)
    return Server(config), Requests(stream.playlist.session)


def gateway() -> tuple[Server, Requests]:
    """A gateway that may join nothing, so that no browser starts."""
    config = GatewayConfig(token="t", join_hosts=("bbb.univ.fr",), rtmp_hosts=("live.univ.fr",), warm=0)
    return Server(uvicorn.Config(create_app(config), http=BoundedHTTPProtocol, **OURS)), Requests(
        "0a0a0a0a0a"
    )


SERVERS = {"origin": origin, "gateway": gateway}


class Broken(logging.Handler):
    """Keeps what was logged as an error, and what the loop was told."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.getMessage()[:200]} {record.exc_info and record.exc_info[1]!r}")


@contextlib.contextmanager
def broken() -> Iterator[list[str]]:
    """What breaks meanwhile."""
    handler = Broken()
    loggers = [logging.getLogger(name) for name in ("", "uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: handler.found.append(repr(context)[:300]))
    try:
        yield handler.found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
