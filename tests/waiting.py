"""Waiting in tests for what comes by itself."""

import time
from collections.abc import Callable
from typing import Any

import httpx

PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.02


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` gives once it is true; fails, naming `what`, when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(_LOOK_EVERY_S)
    raise AssertionError(f"{what} never came")


def answers(url: str, status: int = httpx.codes.OK) -> bool:
    """Whether `url` answers with `status`."""
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == status
    except httpx.TransportError:
        return False
