"""A gateway whose calls are counted and timed."""

from amphi.sipmediagw.model import Dialect, Gateway, JobRef, JobStatus, StartRequest
from amphi.system.calls import Timed

SYSTEM = "gateway"


class MeasuredGateway:
    """A gateway of any dialect, for `/metrics`.

    Args:
        gateway: makes the calls.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.dialect: Dialect = gateway.dialect

    def start(self, request: StartRequest) -> JobStatus:
        with Timed(SYSTEM, "start"):
            return self._gateway.start(request)

    def stop(self, job: JobRef) -> JobStatus:
        with Timed(SYSTEM, "stop"):
            return self._gateway.stop(job)

    def status(self, job: JobRef) -> JobStatus:
        with Timed(SYSTEM, "status"):
            return self._gateway.status(job)

    def send_chat(self, job: JobRef, text: str, author: str) -> None:
        with Timed(SYSTEM, "send_chat"):
            self._gateway.send_chat(job, text, author)

    def show_chat(self, job: JobRef, shown: bool) -> bool:  # noqa: FBT001 -- as the protocol has it
        with Timed(SYSTEM, "show_chat"):
            return self._gateway.show_chat(job, shown)

    def show_layout(self, job: JobRef, layout: str) -> str:
        with Timed(SYSTEM, "show_layout"):
            return self._gateway.show_layout(job, layout)

    def close(self) -> None:
        self._gateway.close()
