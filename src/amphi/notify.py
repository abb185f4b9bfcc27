"""What a service tells the system that started it: that it is ready, and that it goes on. Source: sd_notify(3)."""

import os
import socket


def notify(state: str) -> None:
    """Send `state`, such as ``READY=1`` or ``WATCHDOG=1``, to systemd; nothing where nobody asked for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        # A name that begins with @ is in the abstract name space, which the kernel writes with a zero byte.
        line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
