"""Sessions in Django's table that end so long after their login, however often they were written since.

Django counts from the last write. So whoever has a page open that writes now and then would keep what the university withdrew.
"""

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

LOGGED_IN_AT = "logged_in_at"


class SessionStore(db.SessionStore):
    """Of one browser."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep the value, and of a login when it was."""
        super().__setitem__(key, value)
        if key == SESSION_KEY:
            super().__setitem__(LOGGED_IN_AT, time.time())

    def _ends_at(self) -> float | None:
        """When the login ends; None where nobody is logged in, or the session has an end of its own."""
        began = self.get(LOGGED_IN_AT)
        return None if began is None or "_session_expiry" in self else began + settings.SESSION_COOKIE_AGE

    def get_expiry_age(self, **kwargs: Any) -> int:
        """How long the cookie lasts, in seconds."""
        end = self._ends_at()
        return super().get_expiry_age(**kwargs) if end is None else max(0, int(end - time.time()))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When the row ends."""
        end = self._ends_at()
        return super().get_expiry_date(**kwargs) if end is None else datetime.fromtimestamp(end, UTC)

    @classmethod
    def get_model_class(cls) -> Any:
        """Django's own table."""
        return db.SessionStore.get_model_class()
