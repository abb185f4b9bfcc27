"""The id of the request for which something is done. It goes from the web server with the live's row to the worker, and in a header to the gateway.

Every line of the log that is written meanwhile has it (`amphi.system.logs`).
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-ID"
LENGTH = 32
_FORM = re.compile(r"[0-9a-f]{32}")
"""As nginx makes them (``$request_id``). Nothing else comes into a log."""
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request that this thread or task works for; empty when it is none."""
    return _current.get()


def new() -> str:
    """An id for a request that came without one."""
    return secrets.token_hex(LENGTH // 2)


def given(header: str | None) -> str:
    """The id that a request brought; empty when it brought none, or one of another form."""
    return header if header and _FORM.fullmatch(header) else ""


@contextmanager
def using(request_id: str) -> Iterator[None]:
    """Work for the request with this id; tasks that begin within it go on with it."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
