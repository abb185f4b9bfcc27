"""What a service tells the system that started it: that it is ready, and that it goes on. Source: sd_notify(3)."""

import os
import socket
import time


def notify(state: str) -> None:
    """Send `state`, such as ``READY=1`` or ``WATCHDOG=1``, to systemd; nothing where nobody asked for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        # A name that begins with @ is in the abstract name space, which the kernel writes with a zero byte.
        line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


class Watchdog:
    """Tells systemd that a service goes on, as often as its unit's ``WatchdogSec=`` asks; one that says nothing is started again."""

    def __init__(self) -> None:
        limit_us = os.environ.get("WATCHDOG_USEC", "")
        self._every_s = int(limit_us) / 4_000_000 if limit_us.isdecimal() else None
        self._due_at = 0.0

    def feed(self) -> None:
        """Say it, when it is time."""
        if self._every_s is not None and time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + self._every_s
            notify("WATCHDOG=1")
