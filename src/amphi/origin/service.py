"""The origin as one process: publishers' and listeners' sockets on one event loop."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from amphi.origin.access import PublishAccess
from amphi.origin.config import Config
from amphi.origin.http_app import OriginApp
from amphi.origin.http_protocol import QuickHTTPProtocol
from amphi.origin.measures import Measures
from amphi.origin.recording.recorder import Recorder
from amphi.origin.server import RTMPServer
from amphi.origin.streams import Streams
from amphi.origin.ticket_questions import TicketQuestions
from amphi.system import garbage, memory

logger = logging.getLogger(__name__)

BACKLOG = 4096
"""As many as Linux lets wait (`net.core.somaxconn`): when a server begins anew, a whole hall comes back to it before it has begun to answer."""
STOP_TIMEOUT_S = 0.5


def listen(address: tuple[str, int]) -> socket.socket:
    """A listening TCP socket.

    Raises:
        OSError: the address is in use, or does not belong to this machine.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, event loops switch Nagle's algorithm off.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _HTTPServer(uvicorn.Server):
    """Uvicorn without its signal handlers, since publishers must be disconnected first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Origin:
    """An origin that can be started and stopped.

    Args:
        config: its settings.
        rtmp: a listening socket for publishers.
        http: a listening socket for listeners.
    """

    def __init__(self, config: Config, rtmp: socket.socket, http: socket.socket) -> None:
        self._recorder = (
            Recorder(config.recordings, config.recordings_free_bytes)
            if config.recordings is not None
            else None
        )
        self.streams = Streams(config, self._recorder)
        self._access = PublishAccess(config)
        self._rtmp_socket = rtmp
        self._http_socket = http
        self._rtmp = RTMPServer(config, self.streams, self._access)
        self._questions = TicketQuestions(config.ticket_url) if config.ticket_url else None
        settings = uvicorn.Config(
            OriginApp(config, self.streams, self._questions, Measures(self.streams, self._rtmp)),
            loop="none",
            http=QuickHTTPProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._http = _HTTPServer(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        await self._rtmp.start(self._rtmp_socket)
        serving = asyncio.create_task(self._http.serve(sockets=[self._http_socket]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        self._http.should_exit = True
        await self._rtmp.stop()
        self.streams.close()
        await self._access.close(STOP_TIMEOUT_S)
        await serving
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
        if self._questions is not None:
            await self._questions.close()


async def serve_until_signal(config: Config, rtmp: socket.socket, http: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    memory.end_loop_without(loop)
    # With a thousand players that took 7 % of the processor time.
    garbage.look_seldom()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    logger.info("publishers: rtmp://%s:%d/live/NAME", *rtmp.getsockname()[:2])
    logger.info("listeners: http://%s:%d/hls/NAME.m3u8", *http.getsockname()[:2])
    await Origin(config, rtmp, http).run(stop)
