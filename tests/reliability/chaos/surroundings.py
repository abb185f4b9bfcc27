"""What a cell has otherwise than the others, from before its fault until all is right again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from amphi.webinars.models import LiveGateway
from tests.reliability.chaos.scene import RTMP, Scene
from tests.reliability.demo_webinar import DemoWebinar, Parts, wait_until

Around = Callable[[Scene, DemoWebinar], AbstractContextManager[None]]


@contextmanager
def usual(_scene: Scene, _webinar: DemoWebinar) -> Iterator[None]:
    """Nothing."""
    yield


def _start_anew(scene: Scene) -> None:
    """Web and worker, which then read their settings."""
    parts = Parts(scene.demo)
    for part in ("web", "worker"):
        before = parts.get(part)
        before.kill()
        wait_until(lambda part=part, before=before: parts.is_back(part, before), f"{part} again")  # type: ignore[misc]


@contextmanager
def meeting_server_by_tls(scene: Scene, webinar: DemoWebinar) -> Iterator[None]:
    """Web and worker ask BigBlueButton by https, and who joins comes in by https."""
    with scene.meeting_server_by_tls():
        _start_anew(scene)
        webinar.bring_to_stopped()  # or the gateway would enter again by the address of before
        yield
    _start_anew(scene)
    webinar.bring_to_stopped()


@contextmanager
def published_by_tls(scene: Scene, webinar: DemoWebinar) -> Iterator[None]:
    """The gateway publishes by ``rtmps``."""
    before = {one.pk: one.rtmp_stream_url for one in LiveGateway.objects.all()}
    port = scene.port(RTMP)
    for pk, old in before.items():
        new = old.replace(f"rtmp://127.0.0.1:{port}/", f"rtmps://localhost:{scene.front.ports[port]}/")
        assert new != old
        LiveGateway.objects.filter(pk=pk).update(rtmp_stream_url=new)
    webinar.bring_to_stopped()
    yield
    for pk, old in before.items():
        LiveGateway.objects.filter(pk=pk).update(rtmp_stream_url=old)
    webinar.bring_to_stopped()
