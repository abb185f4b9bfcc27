"""Counts and times the calls to other systems, for `/metrics`."""

import re
import time
from types import TracebackType

from prometheus_client import Counter, Histogram

CALLS = Counter(
    "amphi_calls", "Calls to other systems, by how they ended.", ["system", "call", "result"], registry=None
)
SECONDS = Histogram(
    "amphi_call_seconds",
    "How long calls to other systems took.",
    ["system"],
    registry=None,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Timed:
    """Counts and times what is done within it.

    Args:
        system: the kind of system, such as ``bigbluebutton``.
        call: the name of the call; like `system`, one of a few that stand in the code.
    """

    def __init__(self, system: str, call: str) -> None:
        self._system = system
        self._call = call
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        SECONDS.labels(self._system).observe(time.monotonic() - self._began)
        CALLS.labels(self._system, self._call, "ok" if kind is None else _result(kind)).inc()


def _result(kind: type[BaseException]) -> str:
    """The name of an exception's class as a label: ``meeting_not_found`` for ``MeetingNotFoundError``."""
    return _WORD.sub("_", kind.__name__.removesuffix("Error")).lower()
