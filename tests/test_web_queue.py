"""A whole hall that comes back to a web process that does not answer yet: all wait, and nobody is sent away."""

import os
import signal
import socket

from tests import ports
from tests.audience import web_process

PATIENCE_S = 60.0
HALL = 3000
"""More than uvicorn itself lets wait."""


def test_a_hall_waits_for_a_web_process_that_does_not_answer_yet(
    tmp_path, django_db_setup, django_db_blocker
):
    port = ports.reserve()
    with django_db_blocker.unblock(), web_process.running(port, tmp_path) as web:
        os.kill(web.process.pid, signal.SIGSTOP)
        try:
            for _ in range(HALL):
                # It waits after its end as well, so that this process need not have so many open.
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
        finally:
            os.kill(web.process.pid, signal.SIGCONT)
        web.stop()
