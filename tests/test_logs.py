"""Log lines: Esup-Pod's form, or JSON."""

import json
import logging
import re

import pytest
from django.conf import settings

from amphi.system.logs import JsonFormatter


def record(exc_info=None) -> logging.LogRecord:
    """A record of the life cycle of a webinar."""
    return logging.LogRecord(
        "webinar",
        logging.INFO,
        "/srv/amphi/webinars/supervisor.py",
        225,
        "start_rtmp_gateway for meeting %s “%s”: %s",
        (13, "Webinaire du 29 mars 2024", "joining"),
        exc_info,
    )


def test_line_has_esup_pods_form():
    plain = settings.LOGGING["formatters"]["plain"]
    line = logging.Formatter(plain["format"], plain["datefmt"], plain["style"]).format(record())
    assert re.fullmatch(
        r"\[\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d\] INFO \[webinar - supervisor\.py:225\] "
        r"start_rtmp_gateway for meeting 13 “Webinaire du 29 mars 2024”: joining",
        line,
    )


def test_json_line_is_one_object():
    line = JsonFormatter().format(record())
    assert "\n" not in line
    said = json.loads(line)
    assert said["logger"] == "webinar"
    assert said["source"] == "supervisor.py:225"
    assert said["message"].startswith("start_rtmp_gateway for meeting 13 “")
    assert said["time"].endswith("+00:00")


def test_json_line_holds_the_exception():
    with pytest.raises(ValueError, match="byteorder") as caught:
        int.from_bytes(b"", "nonsense")
    said = json.loads(JsonFormatter().format(record((caught.type, caught.value, caught.tb))))
    assert "ValueError" in said["exception"]


@pytest.mark.parametrize("logger", ["django.request", "django.security.csrf"])
def test_line_about_a_request_holds_no_secret(caplog, logger):
    logging.getLogger(logger).warning("Not Found: %s", "/meetings/lecture/join/a-key/")
    logging.getLogger(logger).warning("Not Found: %s", "/accounts/login/")
    assert [one.getMessage() for one in caplog.records] == [
        "Not Found: /meetings/...",
        "Not Found: /accounts/login/",
    ]
