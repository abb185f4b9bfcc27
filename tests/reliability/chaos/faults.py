"""The faults: each is there for as long as its block lasts."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from django.db import connection

from amphi.audience.models import Broadcaster
from amphi.webinars.models import LiveGateway
from tests import postgresql
from tests.reliability.chaos.authority import EXPIRED_DAYS
from tests.reliability.chaos.relay import Relay
from tests.reliability.chaos.scene import Scene
from tests.reliability.demo_webinar import Parts
from tests.wire import WireServer, answer

Fault = Callable[[Scene], AbstractContextManager[None]]


@contextmanager
def _stopped(processes: list[psutil.Process]) -> Iterator[None]:
    assert processes
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def frozen(part: str) -> Fault:
    """SIGSTOP of a part of the demo alone, of the database server, or of what the gateway has started under that name."""

    def inject(scene: Scene) -> AbstractContextManager[None]:
        if part == "postgresql":
            return _stopped(scene.postgres())
        parts = Parts(scene.demo)
        if part in {"chromium", "ffmpeg"}:
            started = parts.get("gateway").children(recursive=True)
            return _stopped([one for one in started if part in one.name()])
        return _stopped([parts.get(part)])

    return inject


def parted(one: str, other: str) -> Fault:
    """A black hole between two parts."""
    return lambda scene: scene.black_hole(one, other)


@contextmanager
def _all_parted(holes: list[AbstractContextManager[None]]) -> Iterator[None]:
    with ExitStack() as stack:
        for hole in holes:
            stack.enter_context(hole)
        yield


def database_parted(scene: Scene) -> AbstractContextManager[None]:
    """Nobody reaches the database."""
    return _all_parted([scene.black_hole(one, "postgresql") for one in ("web", "worker")])


@contextmanager
def database_restarted(scene: Scene) -> Iterator[None]:
    """It ends all connections, and is back within a second or two."""
    scene.database.control("-l", Path(scene.database.folder) / "log", "-m", "fast", "restart")
    connection.close()  # this test's own, which it ended too
    yield


@contextmanager
def database_read_only(scene: Scene) -> Iterator[None]:
    """As a standby is, or a server whose disk is full."""
    _set_read_only(scene.database, "on")
    yield
    _set_read_only(scene.database, "off")


def _set_read_only(server: postgresql.Server, value: str) -> None:
    """For all sessions from now on; those that are open go."""
    with psycopg.connect(server.url, autocommit=True) as own:
        own.execute("SET default_transaction_read_only = off")
        own.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        own.execute("SELECT pg_reload_conf()")


@contextmanager
def no_names(scene: Scene) -> Iterator[None]:
    """No name is found: whoever asks waits for a resolver that answers nothing."""
    known = scene.hosts.read_text()
    scene.hosts.write_text("")
    yield
    scene.hosts.write_text(known)


@contextmanager
def disk_full(scene: Scene) -> Iterator[None]:
    """Not a byte more fits where origin, web, worker and gateway write."""
    used = shutil.disk_usage(scene.disk).used
    scene.resize_disk(str(used))
    yield
    scene.resize_disk("3g")


def out_of_files(part: str) -> Fault:
    """A part can open nothing more: no file, no socket, no connection that comes."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        process = Parts(scene.demo).get(part)
        soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
        process.rlimit(psutil.RLIMIT_NOFILE, (_lowest_free(process), hard))
        yield
        if process.is_running():
            process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))

    return inject


def _lowest_free(process: psutil.Process) -> int:
    """The number that the next file would have; a limit above it would leave room for some."""
    used = {int(one.name) for one in Path(f"/proc/{process.pid}/fd").iterdir()}
    return next(number for number in range(len(used) + 1) if number not in used)


def out_of_memory(part: str) -> Fault:
    """A part is given no more memory than it has."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        process = Parts(scene.demo).get(part)
        soft, hard = process.rlimit(psutil.RLIMIT_AS)
        process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms, hard))
        yield
        if process.is_running():
            process.rlimit(psutil.RLIMIT_AS, (soft, hard))

    return inject


def clock(ahead_s: int, *parts: str) -> Fault:
    """The clocks of these parts are stepped, and stay so."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        for part in parts:
            scene.set_clock(part, ahead_s)
        yield

    return inject


def clock_moved(right: str, ahead: str) -> Fault:
    """The one clock is set right, the other five minutes ahead."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        scene.set_clock(right, 0)
        scene.set_clock(ahead, 300)
        yield

    return inject


def slow(one: str, other: str, delay_s: float) -> Fault:
    """What the one asks the other, a stand-in before it answers late."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        with Relay(scene.port_of(other), delay_s=delay_s) as relay, scene.diverted(one, other, relay.port):
            yield

    return inject


def _expired(scene: Scene, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*scene.authority.sign(name, days=EXPIRED_DAYS))
    return context


@contextmanager
def gateway_certificate_expired(scene: Scene) -> Iterator[None]:
    """The gateway is spoken to by TLS, and its certificate ran out yesterday."""
    before = {one.pk: one.sipmediagw_url for one in LiveGateway.objects.all()}
    with Relay(scene.port_of("gateway"), context=_expired(scene, "gateway")) as relay:
        url = f"https://gateway.test:{relay.port}"
        LiveGateway.objects.update(sipmediagw_url=url)
        yield
        for pk, old in before.items():
            LiveGateway.objects.filter(pk=pk).update(sipmediagw_url=old)


@contextmanager
def origin_certificate_expired(scene: Scene) -> Iterator[None]:
    """The same of the live server, as who asks for playlists."""
    before = {one.pk: one.hls_url for one in Broadcaster.objects.all()}
    with Relay(scene.port_of("origin"), context=_expired(scene, "origin")) as relay:
        for pk, old in before.items():
            new = old.replace("http:", "https:").replace(str(scene.port_of("origin")), str(relay.port))
            Broadcaster.objects.filter(pk=pk).update(hls_url=new)
        yield
        for pk, old in before.items():
            Broadcaster.objects.filter(pk=pk).update(hls_url=old)


def front_certificate_expired(scene: Scene) -> AbstractContextManager[None]:
    """The certificate before meeting server and RTMP ran out, until it is renewed."""
    return scene.front.expired()


@contextmanager
def front_certificate_expired_and_page_lost(scene: Scene) -> Iterator[None]:
    """The same, and the gateway has to enter the meeting anew."""
    with scene.front.expired():
        started = Parts(scene.demo).get("gateway").children(recursive=True)
        for browser in [one for one in started if "chromium" in one.name()]:
            with suppress(psutil.NoSuchProcess):
                browser.kill()
        yield


def liar(scene: Scene) -> AbstractContextManager[None]:
    """A gateway that says yes to all, and sends nothing."""

    @contextmanager
    def inject() -> Iterator[None]:
        status = {"job_id": "x", "state": "on_air", "reason": "", "detail": "", "chat_shown": False}
        yes = WireServer(lambda request: answer({**status, "job_id": request.path.split("/")[-1]}))
        port = int(yes.url.rpartition(":")[2])
        with scene.diverted("worker", "gateway", port), frozen("ffmpeg")(scene):
            yield
        yes.close()

    return inject()
