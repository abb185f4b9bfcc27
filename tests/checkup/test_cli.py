"""The command: a report, JSON, and an exit status, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services
from tests.webinars.stage import Stage

TOP = Path(__file__).parents[2]


def run(tmp_path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the platform, with a database of its own."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AMPHI_", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-m", "amphi", *arguments],
        env={
            **inherited,
            "AMPHI_VAR": str(tmp_path),
            "AMPHI_SECRET_KEY": "for-this-test-alone-" + "x" * 40,
            "AMPHI_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "PYTHONPATH": str(TOP / "src"),
            **environment,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def well(stage: Stage) -> dict[str, str]:
    """An environment in which everything answers: the stage is BigBlueButton, and the platform's health page is anything."""
    stage.jobs["x"] = "idle"
    return {
        "AMPHI_BBB_API_URL": f"{stage.url}/bigbluebutton",
        "AMPHI_BBB_SECRET_KEY": "secret",
        "AMPHI_USE_MEETING_WEBINAR": "1",
    }


def test_report(tmp_path, well):
    services.migrate(services.environment(tmp_path))
    done = run(tmp_path, "check", **well, AMPHI_URL="http://127.0.0.1:9")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert "OK    database sqlite: its tables are current." in lines
    assert any(line.startswith("FAIL  web http://127.0.0.1:9:") for line in lines)
    assert any(line.startswith("FAIL  worker: none has been heard of") for line in lines)
    assert lines[-1].endswith("2 failed.")
    assert "secret" not in done.stdout.replace("our secret", "")

    french = run(tmp_path, "check", **well, LC_ALL="fr_FR.UTF-8")
    assert "ses tables sont à jour" in french.stdout


def test_json(tmp_path, well):
    done = run(tmp_path, "check", "--json", **well)
    report = json.loads(done.stdout)
    assert report["ok"] is False
    assert done.returncode == 1
    assert {"level", "check", "subject", "sentence"} == set(report["findings"][0])
    missing = [one for one in report["findings"] if one["check"] == "database"]
    assert "amphi migrate" in missing[0]["sentence"]


def test_plugin_of_nagios_ends_in_time(tmp_path, stage):
    stage.broken["bbb"] = "hang"
    hanging = {"AMPHI_BBB_API_URL": f"{stage.url}/bigbluebutton", "AMPHI_BBB_SECRET_KEY": "s"}
    done = run(tmp_path, "check", "--nagios", "--timeout", "1", **hanging)
    assert (done.returncode, done.stdout) == (3, "AMPHI UNKNOWN - no end after 1 s\n")


def test_django_s_own_check_stays_reachable(tmp_path, well):
    done = run(tmp_path, "check", "--django", "--tag", "compatibility", **well)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_unknown_option(tmp_path):
    assert run(tmp_path, "check", "--jsn").returncode == 2
