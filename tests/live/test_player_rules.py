"""The player's rules, which are plain modules: what `rules.mjs` and `ahead.mjs` tell them, and what they say."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from tests.services import NODE


@pytest.fixture(scope="module")
def said() -> dict[str, list[float]]:
    return cases("rules.mjs")


def cases(script: str) -> dict[str, list]:
    command = [NODE, "--no-warnings", str(Path(__file__).with_name(script))]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return dict(json.loads(line) for line in output.splitlines())


HOLD_BACK = 0.6


@pytest.mark.parametrize(
    ("case", "aim"),
    [("calm line", HOLD_BACK), ("server's distance", 3), ("one late part", HOLD_BACK), ("jump", HOLD_BACK)],
)
def test_the_aim_is_the_servers_distance_on_a_calm_line(said, case, aim):
    assert set(said[case]) == {aim}


def test_the_aim_is_what_late_parts_need(said):
    # 0.8 s late, the 0.2 s that the part lasts, 0.2 s to spare.
    assert said["late now and then"][3:] == [1.2] * 57


def test_what_was_there_before_or_comes_with_a_change_counts_for_nothing(said):
    assert set(said["late at the beginning"]) == {HOLD_BACK}
    assert set(said["change"]) == {HOLD_BACK}


def test_catching_up_after_a_smaller_picture_was_chosen_tells_nothing_of_the_line(said):
    # Parts come up to 4 s late until all that was listed meanwhile is there; the larger one's lateness is forgotten.
    aims = said["caught up with a smaller picture"]
    assert max(aims) < 1
    assert aims[-1] == HOLD_BACK


def test_the_distance_is_kept_while_another_place_or_a_larger_picture_is_caught_up_with(said):
    aims = said["caught up elsewhere"]
    assert aims[:30] == [1.2] * 30
    assert aims[-1] == HOLD_BACK


def test_the_aim_grows_at_once_and_shrinks_slowly_a_minute_later(said):
    aims = said["late for a while"]
    assert aims[9] == HOLD_BACK
    assert aims[10] == 1.4
    assert aims[78] == 1.4
    assert aims[-1] == HOLD_BACK
    assert max(before - after for before, after in itertools.pairwise(aims)) <= 0.11


def test_the_aim_has_an_end(said):
    assert max(said["too late to wait for"]) == 6


def test_one_outage_leaves_the_listener_near_and_a_second_in_the_same_minute_does_not(said):
    assert set(said["one outage"]) == {HOLD_BACK}
    assert set(said["outages far apart"]) == {HOLD_BACK}
    aims = said["two outages"]
    assert aims[:50] == [HOLD_BACK] * 50
    assert aims[57] > 5
    assert aims[-1] == HOLD_BACK


def test_a_picture_that_stood_still_adds_for_a_minute(said):
    before, after, later = said["stall"]
    assert before == later == HOLD_BACK
    assert after == pytest.approx(before + 0.3, abs=0.05)


def test_the_speed_leads_to_the_aim(said):
    # At the aim; 0.1 s off it is left; 0.4 s is not; and goes on until it is there.
    assert said["rates"][:5] == [1, 1, 1.05, 1.05, 1]
    # Far behind; very far; with nothing in store; too near; much too near; there.
    assert said["rates"][5:] == [1.1, 1.25, 1, 0.95, 0.9, 1]


@pytest.mark.parametrize(
    ("case", "step"),
    [
        ("fast", 2),
        ("4 Mbit/s, 60 ms", 1),
        ("1.5 Mbit/s", 0),
        ("far away and wide", 2),
        ("saves data, fast", 2),
        ("two at a time", 2),
    ],
)
def test_the_picture_is_the_best_that_comes_in_time(said, case, step):
    assert set(said[case][45:]) == {step}


def test_too_slow_a_picture_is_left_within_seconds_and_not_tried_again_at_once(said):
    assert set(said["4 Mbit/s, 60 ms"]) == {1}
    assert said["1.5 Mbit/s"][3] == 0
    assert said["stood still"][9:11] == [2, 1]


def test_whoever_is_behind_gets_the_next_parts_while_the_first_comes():
    said = cases("ahead.mjs")
    # Each as soon as it is listed.
    assert said["not behind"] == [["p2", 200], ["p3", 400]]
    assert said["behind"] == [["p1", 0], ["p2", 0], ["p3", 40], ["p4", 60], ["p5", 100]]
    part, loads, asked, *times, size = said["came ahead"]
    # 7 bytes are what was asked for ahead, 3 what hls.js's own loader gives.
    assert (part[:2], loads, asked, size) == (["p2", 7], 0, 1, 7)
    assert all(one >= 0 for one in times)
    assert said["refused"][:3] == [["p2", 3, 1090], 1, 1]
    assert said["left"] == [True, 1, True, 0, 1]


def test_what_nobody_takes_is_stopped():
    said = cases("ahead.mjs")
    assert said["taken by nobody"] == [2, 2]
    assert said["cleared"] == [2, 2]
