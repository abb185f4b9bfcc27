"""Forty processes at once never book, move or start two webinars onto one gateway: on PostgreSQL, and on a SQLite file."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.reliability.race import GATEWAYS, PROCESSES

TIMEOUT_S = 300
Seen = dict[str, dict[str, Any]]


def run_races(url: str, var: Path) -> Seen:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    own = {
        "AMPHI_DATABASE_URL": url,
        "AMPHI_VAR": str(var),
        "AMPHI_SECRET_KEY": "race" * 20,
        "AMPHI_USE_MEETING_WEBINAR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.race"],
        env=environment | own,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def races(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the races saw on a new database of this kind."""
    folder = tmp_path_factory.mktemp("race")
    if request.param == "sqlite":
        return run_races(f"sqlite://{folder}/race.sqlite3", folder)
    server = request.getfixturevalue("postgresql_url")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE race")
    return run_races(f"{server.rpartition('/')[0]}/race", folder)


def test_forty_bookings_of_one_hour_hold_three_gateways(races: Seen):
    seen = races["create"]
    assert Counter(seen["met"]) == {"webinar": GATEWAYS, "3 overlap": PROCESSES - GATEWAYS}, seen["met"]
    assert len(set(seen["gateways"])) == len(seen["gateways"]) == GATEWAYS
    assert (seen["webinars"], seen["events"]) == (GATEWAYS, GATEWAYS)
    assert seen["plain_meetings"] == PROCESSES - GATEWAYS
    assert seen["in_step"]


def test_forty_moves_to_one_hour_hold_three_gateways(races: Seen):
    seen = races["move"]
    assert Counter(seen["met"]) == {"webinar": GATEWAYS, "3 overlap": PROCESSES - GATEWAYS}, seen["met"]
    assert len(set(seen["gateways"])) == len(seen["gateways"]) == GATEWAYS
    assert (seen["webinars"], seen["plain_meetings"]) == (GATEWAYS, PROCESSES - GATEWAYS)
    assert seen["in_step"]


def test_forty_starts_at_once_let_one_send_on_each_gateway(races: Seen):
    seen = races["start"]
    assert Counter(seen["met"]) == {"asked": PROCESSES}, seen["met"]
    assert seen["running"] == seen["starts"] == PROCESSES
    assert len(set(seen["may_send"])) == len(seen["may_send"]) == GATEWAYS
    assert seen["in_step"]


def test_start_and_edit_of_one_webinar_at_once_start_it_once_and_keep_the_edit(races: Seen):
    seen = races["start_and_edit"]
    assert Counter(seen["met"]) == {"asked": PROCESSES // 2, "moved": PROCESSES // 2}, seen["met"]
    assert (seen["running"], seen["starts"], seen["events"]) == (1, 1, 1)
    assert seen["in_step"]
