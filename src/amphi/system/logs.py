"""The format of the logs, and what is cut from them."""

import json
import logging
import re
from datetime import UTC, datetime

from amphi.system import environment, request_ids


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``source``, ``message``, ``request`` (its id), ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "source": f"{record.filename}:{record.lineno}",
            "message": record.getMessage(),
        }
        if request_id := request_ids.current():
            line["request"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """A line for people; the id of the request stands at its end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        """The line, without an exception."""
        line = super().formatMessage(record)
        request_id = request_ids.current()
        return f"{line} [{request_id}]" if request_id else line


def to_stderr() -> None:
    """Set up the log of a service that has no Django, by ``AMPHI_LOG_FORMAT``.

    Raises:
        InvalidSettingError: there is no such format.
    """
    chosen = environment.choice("AMPHI_LOG_FORMAT", "plain", ("plain", "json"))
    handler = logging.StreamHandler()
    plain = PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if chosen == "json" else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


_HARMLESS = re.compile(
    r"/(?:static|accounts|admin)/.*|/live/[^/]+/(?:events|state|messages|password|reminder|registration|calendar\.ics)?"
    r"|/meetings/[^/]+/(?:edit|delete|start|join|left|duplicate|sessions|invite|move)/|/[a-z]*/?"
)
"""Paths without secrets: the same list as in deploy/nginx/amphi.conf."""


def without_secrets(path: str) -> str:
    """A request's path without secrets. Some paths contain keys, rooms and tickets, so unknown ones are cut."""
    if _HARMLESS.fullmatch(path):
        return path
    first = re.match(r"/[a-z]+/(?=.)", path)
    return f"{first[0] if first else ''}..."


class WithoutSecrets(logging.Filter):
    """Cuts the addresses in Django's own lines about requests: “Not Found: /meetings/...”."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the secrets from a line, and let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_secrets(value) if isinstance(value, str) and value.startswith("/") else value
                for value in record.args
            )
        return True


class InOneLine(logging.Filter):
    """Cuts the traceback, which says nothing more, and makes a warning of the line: it is no mistake of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the line pass alone."""
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True
