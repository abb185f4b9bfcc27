"""A classroom in this process, for clients that we did not write."""

import contextlib
import threading
import time
from collections.abc import Iterator

from amphi.classroom import server
from amphi.classroom.config import Config
from amphi.classroom.profiles import PROFILES

SECRET = "a-shared-secret"
TIMEOUT_S = 60


@contextlib.contextmanager
def running_classroom(port: int, profile: str = "3.0") -> Iterator[str]:
    """Its address, while it runs on a loopback port as one of the versions that it plays."""
    url = f"http://127.0.0.1:{port}"
    config = Config("127.0.0.1", port, url, SECRET, PROFILES[profile])
    with contextlib.closing(server.listen(config)) as listener:
        running = server.server(server.application(config))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield url
        finally:
            running.should_exit = True
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
