"""Messages to systemd: the service is ready, the service is alive. Source: sd_notify(3)."""

import os
import socket
import time


def notify(state: str) -> None:
    """Send `state`, such as ``READY=1`` or ``WATCHDOG=1``, to systemd. Does nothing where systemd did not start the service."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        # A leading @ means Linux's abstract socket names, which begin with a zero byte.
        line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


class Watchdog:
    """Tells systemd that the service is alive, as often as the unit's ``WatchdogSec=`` asks; systemd restarts a silent service."""

    def __init__(self) -> None:
        limit_us = os.environ.get("WATCHDOG_USEC", "")
        self._every_s = int(limit_us) / 4_000_000 if limit_us.isdecimal() else None
        self._due_at = 0.0

    def feed(self) -> None:
        """Send the sign of life when it is due."""
        if self._every_s is not None and time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + self._every_s
            notify("WATCHDOG=1")
