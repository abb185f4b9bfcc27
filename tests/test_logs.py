"""Log lines: Esup-Pod's form, or JSON."""

import json
import logging
import re

import pytest
from django.conf import settings

from amphi.system import request_ids
from amphi.system.environment import InvalidSettingError
from amphi.system.logs import JsonFormatter, PlainFormatter, to_stderr


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
    line = PlainFormatter(plain["fmt"], plain["datefmt"], plain["style"]).format(record())
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


def test_another_hosts_name_costs_a_stranger_one_line(caplog):
    error = ValueError("not a name of ours")
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header", exc_info=error)
    (line,) = caplog.records
    assert (line.levelname, line.exc_info) == ("WARNING", None)


def test_lines_have_the_id_of_the_request():
    plain = PlainFormatter("%(levelname)s %(message)s")
    with request_ids.using("5f" * 16):
        lines = [plain.format(record()), JsonFormatter().format(record())]
    assert lines[0].endswith(f"”: joining [{'5f' * 16}]")
    assert json.loads(lines[1])["request"] == "5f" * 16
    assert plain.format(record()).endswith("”: joining")
    assert "request" not in json.loads(JsonFormatter().format(record()))


@pytest.mark.parametrize(
    ("chosen", "kind"), [("", PlainFormatter), ("plain", PlainFormatter), ("json", JsonFormatter)]
)
def test_services_log_as_is_set(monkeypatch, chosen, kind):
    monkeypatch.setenv("AMPHI_LOG_FORMAT", chosen) if chosen else monkeypatch.delenv(
        "AMPHI_LOG_FORMAT", False
    )
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    to_stderr()
    assert [type(handler.formatter) for handler in root.handlers] == [kind]


def test_format_of_another_name_is_refused(monkeypatch):
    monkeypatch.setenv("AMPHI_LOG_FORMAT", "xml")
    with pytest.raises(InvalidSettingError, match="AMPHI_LOG_FORMAT: must be one of plain, json"):
        to_stderr()
