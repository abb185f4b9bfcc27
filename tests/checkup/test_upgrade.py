"""What is left to do once a new version's files are there."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from amphi.checkup import upgrade
from amphi.webinars.models import State
from tests.checkup.findings import brief, only
from tests.factories import make_webinar, put

TOP = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("lock", "level"),
    [("django==1.0 \\\n    --hash=sha256:0\n", "FAIL"), ("# nothing\n", "OK"), ("not-there==1.0\n", "FAIL")],
)
def test_packages(tmp_path, lock, level):
    (tmp_path / "base.txt").write_text(lock)
    assert only(upgrade.check_packages(tmp_path / "base.txt"))[0] == level
    assert brief(upgrade.check_packages(tmp_path / "none.txt")) == []


def test_packages_are_those_of_the_lock_here():
    assert only(upgrade.check_packages(TOP / "requirements" / "base.txt"))[0] == "OK"


def test_tables(db):
    assert only(upgrade.check_tables())[0] == "OK"
    recorder = MigrationRecorder(connection)
    recorder.record_applied("meetings", "9999_of_tomorrow")
    assert "meetings.9999_of_tomorrow" in only(upgrade.check_tables())[1]
    recorder.record_unapplied("meetings", "9999_of_tomorrow")
    last = max(name for app, name in recorder.applied_migrations() if app == "webinars")
    recorder.record_unapplied("webinars", last)
    level, sentence = only(upgrade.check_tables())
    assert level == "WARN"
    assert f"from webinars.{last} on" in sentence


def test_copied_files(tmp_path):
    units, sites = tmp_path / "etc/systemd/system", tmp_path / "etc/nginx/sites-available"
    for folder in (units, sites):
        folder.mkdir(parents=True)
    assert brief(upgrade.check_files(TOP / "deploy", tmp_path)) == []
    unit = (TOP / "deploy/systemd/amphi-web.service").read_text()
    (units / "amphi-web.service").write_text(unit)
    site = (TOP / "deploy/nginx/amphi.conf").read_text().replace("amphi.univ.fr", "webinaires.example.org")
    (sites / "amphi").write_text(site)
    assert brief(upgrade.check_files(TOP / "deploy", tmp_path)) == [
        ("OK", "copied files that are this version’s: 2.")
    ]
    (units / "amphi-web.service").write_text(unit.replace("RestartSec=1", "RestartSec=9"))
    differs, same = upgrade.check_files(TOP / "deploy", tmp_path)
    assert (differs.level, differs.subject) == ("WARN", str(units / "amphi-web.service"))
    assert same.sentence == "copied files that are this version’s: 1."


def test_moment(db):
    livestream = make_webinar()
    assert only(upgrade.check_moment())[0] == "OK"
    put(livestream, State.LIVE)
    assert "webinars on the air: 1" in only(upgrade.check_moment())[1]


@pytest.mark.django_db
@pytest.mark.parametrize(("lock", "status"), [("", 0), ("not-there==1.0\n", 1)])
def test_command_tells_all_and_changes_nothing(tmp_path, monkeypatch, capsys, lock, status):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text(lock)
    monkeypatch.setattr(upgrade, "INSTALLED", tmp_path)
    assert upgrade.main(["--check", "--json"]) == status
    told = json.loads(capsys.readouterr().out)["findings"]
    assert [one["check"] for one in told] == ["packages", "tables", "moment"]
    with pytest.raises(SystemExit):
        upgrade.main([])
