"""What the logs look like, and what they leave out."""

import json
import logging
import re
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``source``, ``message``, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "source": f"{record.filename}:{record.lineno}",
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


_HARMLESS = re.compile(
    r"/(?:static|accounts|admin)/.*|/live/[^/]+/(?:events|state|messages|password|reminder|registration|calendar\.ics)?"
    r"|/meetings/[^/]+/(?:edit|delete|start|join|left|duplicate|sessions|invite|move)/|/[a-z]*/?"
)
"""As deploy/nginx/amphi.conf has it."""


def without_secrets(path: str) -> str:
    """An address's path as it may be written down: keys, rooms and tickets stand in some, so what is not known is cut."""
    if _HARMLESS.fullmatch(path):
        return path
    first = re.match(r"/[a-z]+/(?=.)", path)
    return f"{first[0] if first else ''}..."


class WithoutSecrets(logging.Filter):
    """Cuts the addresses in Django's own lines about requests: “Not Found: /meetings/...”."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass, without secrets."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_secrets(value) if isinstance(value, str) and value.startswith("/") else value
                for value in record.args
            )
        return True
