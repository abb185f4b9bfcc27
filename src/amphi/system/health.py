"""Health of the web server: it is healthy while the database answers, which every page needs."""

import asyncio
import threading

from django.db import Error, connection

PATIENCE_S = 3.0


def _database_answers() -> bool:
    """Ask the database over a new connection: a kept one would work even when the database accepts no new ones.

    One that takes no writes, as a standby or after a failover that went wrong, does not count: hardly a page works with it.
    """
    asks_more = connection.vendor == "postgresql"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')" if asks_more else "SELECT 1")
            (found,) = cursor.fetchone()
    except Error:
        return False
    finally:
        connection.close()
    return bool(found != "on")


def database_answers_within(seconds: float) -> bool:
    """Whether the database answers in time. One that hangs keeps a thread waiting, which ends with the process."""
    found: list[bool] = []
    asking = threading.Thread(target=lambda: found.append(_database_answers()), daemon=True)
    asking.start()
    asking.join(seconds)
    return found == [True]


class Health:
    """Asks the database once at a time, however many callers wait for the answer."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None

    async def is_good(self) -> bool:
        """Whether the database answers within `PATIENCE_S`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(_database_answers))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), PATIENCE_S)
        except TimeoutError:
            return False
