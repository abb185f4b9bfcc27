"""The role of deploy/ansible, read from its files. `make test-ansible` applies it."""

from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[1]
ROLE = TOP / "deploy" / "ansible" / "roles" / "amphi"
DEFAULTS: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]
TASKS = [task for file in (ROLE / "tasks").glob("*.yml") for task in yaml.safe_load(file.read_text())]


def test_each_variable_is_declared_and_documented():
    page = (TOP / "docs" / "ansible.md").read_text()
    assert set(DEFAULTS) == set(OPTIONS)
    assert {name for name in DEFAULTS if f"`{name}`" not in page} == set()


def test_no_secret_has_a_default():
    secret = {name for name, option in OPTIONS.items() if option.get("no_log")}
    assert {"amphi_bbb_secret", "amphi_admin_password", "amphi_settings"} <= secret
    assert not any(DEFAULTS[name] for name in secret)


def test_task_that_takes_a_secret_logs_nothing():
    secret = {name for name, option in OPTIONS.items() if option.get("no_log")}
    taking = [task for task in TASKS if any(name in str(task) for name in secret)]
    assert len(taking) == 5
    assert all(task.get("no_log") for task in taking)
