"""SMTP as Django does it, with names looked up in time: its own look-ups have no limit, and a resolver may never answer."""

import smtplib
import socket
import time

from django.core.mail.backends import smtp
from django.core.mail.utils import DNS_NAME
from django.utils.encoding import punycode

from amphi.system import name_lookup

OWN_NAME_S = 5.0


class _Connection(smtplib.SMTP):
    """A connection whose making takes no longer than its time-out, finding the host's addresses among it."""

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        ends_at = None if timeout is None else time.monotonic() + timeout
        addresses = name_lookup.addresses_of(host, port, timeout_s=timeout)
        for number, address in enumerate(addresses, 1):
            left = None if ends_at is None else max(0.001, ends_at - time.monotonic())
            try:
                # Those that come after have their share of the time.
                share = None if left is None else left / (len(addresses) - number + 1)
                connected = socket.create_connection((address, port), share)
            except OSError:
                if number == len(addresses):
                    raise
            else:
                connected.settimeout(timeout)
                return connected
        raise name_lookup.LookupFailedError("no address")


class _SafeConnection(smtplib.SMTP_SSL, _Connection):
    """The same in TLS from the first byte: the base class wraps what the next one connects."""


class EmailBackend(smtp.EmailBackend):
    """Django's backend, with a limit on each look-up: of the mail server, and of this machine's own name for its greeting."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """What a connection is made by."""
        return _SafeConnection if self.use_ssl else _Connection

    def open(self) -> bool | None:
        """Connect, unless there is a connection."""
        if not hasattr(DNS_NAME, "_fqdn"):
            # Kept where Django keeps what it would look up itself.
            DNS_NAME._fqdn = punycode(name_lookup.own_name(timeout_s=OWN_NAME_S))  # noqa: SLF001
        return super().open()
