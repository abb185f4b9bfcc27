"""A unit test that leaves its process fails, even where the code under test bears the refusal."""

import re
import subprocess
import sys
from pathlib import Path

from tests.layers import LAYERS

TOP = Path(__file__).parents[1]
TIMEOUT_S = 120
UNIT = """
import asyncio
import contextlib
import os

import pytest


def test_of_its_own_process():
    assert 1 + 1 == 2


async def sleeps():
    await asyncio.sleep(0)


def test_of_an_event_loop():
    asyncio.run(sleeps())


def asks():
    from urllib import request

    request.urlopen("http://127.0.0.1:9/")


def test_that_asks_another_system():
    asks()


def test_that_asks_and_bears_the_refusal():
    with contextlib.suppress(OSError):
        asks()


def test_that_starts_a_process():
    os.system("true")


@pytest.mark.integration
def test_that_may():
    assert os.system("true") == 0
"""
INTEGRATION = """
import subprocess


def test_whose_module_can_start_processes():
    subprocess.run(["true"], check=True)
"""


def test_unit_test_that_leaves_its_process_fails(tmp_path):
    (tmp_path / "test_a.py").write_text(UNIT)
    (tmp_path / "test_b.py").write_text(INTEGRATION)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  unit\n  integration\n  e2e\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.layers", "-p", "no:django", "-rA", str(tmp_path)]
    done = subprocess.run(command, cwd=TOP, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    told = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    assert sorted(told) == [
        ("ERROR", "test_that_asks_and_bears_the_refusal"),
        ("ERROR", "test_that_asks_another_system"),
        ("ERROR", "test_that_starts_a_process"),
        ("FAILED", "test_that_asks_another_system"),
        ("FAILED", "test_that_starts_a_process"),
        ("PASSED", "test_of_an_event_loop"),
        ("PASSED", "test_of_its_own_process"),
        ("PASSED", "test_that_asks_and_bears_the_refusal"),
        ("PASSED", "test_that_may"),
        ("PASSED", "test_whose_module_can_start_processes"),
    ], done.stdout + done.stderr


def told_by_make(*words: str) -> str:
    command = ["make", "--dry-run", *words, "ARGS="]
    return subprocess.run(
        command, cwd=TOP, check=True, capture_output=True, text=True, timeout=TIMEOUT_S
    ).stdout


def test_make_test_runs_every_check_and_every_layer():
    tests = told_by_make("test")
    assert re.search(r"deploy/setup dev \S*make --no-print-directory check UNITS=1\n", tests)
    checks = told_by_make("check", "UNITS=1")
    for command in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        assert f"{command} " in checks.replace("\n", " \n"), checks
    layers = re.findall(r" -m pytest [-\w ]*-m (\w+)", checks + tests)
    assert layers == list(LAYERS)


def test_what_measures_is_where_make_test_looks_for_it():
    marked = [
        file for file in Path(__file__).parent.rglob("test_*.py") if "mark." + "e2e" in file.read_text()
    ]
    assert [file for file in marked if file.parent.name != "e2e"] == []
