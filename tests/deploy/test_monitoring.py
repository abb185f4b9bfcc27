"""The rules and the board name what the parts tell, and docs/monitoring.md tells of all of it."""

import json
import re
from collections.abc import Iterator

import pytest

from amphi.bigbluebutton import BigBlueButtonError
from amphi.sipmediagw import GatewayError
from amphi.system import calls
from amphi.worker import measures
from tests.gateway.test_measures import TEXT as GATEWAY
from tests.origin.test_measures import TEXT as ORIGIN
from tests.services import TOP
from tests.test_metrics import PLATFORM, names

RULES = TOP / "deploy" / "prometheus" / "amphi.rules.yml"
BOARD = TOP / "deploy" / "grafana" / "amphi.json"
PAGE = TOP / "docs" / "monitoring.md"
TOLD = {
    *names(PLATFORM + measures.text().decode() + GATEWAY + ORIGIN),
    *("amphi_streams", "amphi_stream_messages_total", "amphi_streams_dropped_total", "amphi_page_seconds"),
}


def named(text: str) -> set[str]:
    """The figures of Amphi that a text names."""
    found = re.findall(r"\bamphi_[a-z_]*[a-z](?!\w|\.|-)", text)
    return {re.sub(r"(?<=_seconds)_(bucket|count|sum)$", "", name) for name in found}


@pytest.mark.parametrize("file", [RULES, BOARD, PAGE], ids=lambda file: file.name)
def test_what_is_named_is_told(file):
    assert named(file.read_text()) - TOLD == set()


def test_what_is_told_is_documented():
    assert TOLD - named(PAGE.read_text()) == set()


def test_board_shows_all_but_what_alerts_alone_need():
    assert TOLD - named(BOARD.read_text()) <= {
        "amphi_player_reports",
        "amphi_work_total",
        "amphi_work_seconds",
        "amphi_origin_silent_seconds",
        "amphi_origin_blocked_requests",
    }
    panels = json.loads(BOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def kinds(base: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_results_of_calls_that_alert_are_there():
    there = {calls._result(kind) for base in (BigBlueButtonError, GatewayError) for kind in kinds(base)}
    [listed] = re.findall(r'result=~"([a-z_|]+)"', RULES.read_text())
    assert set(listed.split("|")) - there == set()
    # What a meeting or a job that is over answers is no failure.
    assert not set(listed.split("|")) & {"meeting_not_found", "unknown_room", "gateway_full"}


def test_each_rule_has_a_test():
    rules = re.findall(r"- alert: (\w+)", RULES.read_text())
    tests = re.findall(
        r"alertname: (\w+)$", RULES.with_name("amphi.rules.test.yml").read_text(), re.MULTILINE
    )
    assert rules == tests
