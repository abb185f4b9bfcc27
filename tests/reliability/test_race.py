"""Many processes at once never book, move or start two webinars onto one gateway: on PostgreSQL, and on a SQLite file."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgresql, services
from tests.reliability.race import GATEWAYS

TIMEOUT_S = 300
FEW, MANY = 12, 40
Seen = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Races:
    """What so many processes met and what the database held then, by race."""

    processes: int
    seen: Seen


def run_races(url: str, var: Path, processes: int) -> Races:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    own = {
        "AMPHI_DATABASE_URL": url,
        "AMPHI_VAR": str(var),
        "AMPHI_SECRET_KEY": "race" * 20,
        "AMPHI_USE_MEETING_WEBINAR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.race", str(processes)],
        env=environment | own,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Races(processes, json.loads(done.stdout))


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def races(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, whole_matrix: bool
) -> Races:
    """What the races saw on a new database of this kind."""
    processes = MANY if whole_matrix else FEW
    folder = tmp_path_factory.mktemp("race")
    if request.param == "sqlite":
        services.migrate(services.environment(folder))
        return run_races("", folder, processes)
    server = request.getfixturevalue("postgresql_url")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {folder.name} TEMPLATE {postgresql.MIGRATED}")
    return run_races(f"{server.rpartition('/')[0]}/{folder.name}", folder, processes)


def test_bookings_of_one_hour_at_once_hold_three_gateways(races: Races):
    seen = races.seen["create"]
    assert Counter(seen["met"]) == {"webinar": GATEWAYS, "3 overlap": races.processes - GATEWAYS}, seen["met"]
    assert len(set(seen["gateways"])) == len(seen["gateways"]) == GATEWAYS
    assert seen["double_bookings"] == 0
    assert (seen["webinars"], seen["events"]) == (GATEWAYS, GATEWAYS)
    assert seen["plain_meetings"] == races.processes - GATEWAYS
    assert seen["in_step"]


def test_moves_to_one_hour_at_once_hold_three_gateways(races: Races):
    seen = races.seen["move"]
    assert Counter(seen["met"]) == {"webinar": GATEWAYS, "3 overlap": races.processes - GATEWAYS}, seen["met"]
    assert seen["double_bookings"] == 0
    # Who found no gateway keeps the hours of before.
    assert (seen["webinars"], seen["plain_meetings"]) == (races.processes, 0)
    assert seen["in_step"]


def test_starts_at_once_let_one_send_on_each_gateway(races: Races):
    seen = races.seen["start"]
    assert Counter(seen["met"]) == {"asked": races.processes}, seen["met"]
    assert seen["running"] == seen["starts"] == races.processes
    assert len(set(seen["may_send"])) == len(seen["may_send"]) == GATEWAYS
    assert seen["in_step"]


def test_start_and_edit_of_one_webinar_at_once_start_it_once_and_keep_the_edit(races: Races):
    seen = races.seen["start_and_edit"]
    assert Counter(seen["met"]) == {"asked": races.processes // 2, "moved": races.processes // 2}, seen["met"]
    assert (seen["running"], seen["starts"], seen["events"]) == (1, 1, 1)
    assert seen["in_step"]
