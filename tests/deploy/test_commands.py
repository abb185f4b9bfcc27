"""The commands of docs/deploy.md, as far as they can be judged without running them; `make test-deploy` runs them all."""

import re
import subprocess

import pytest
from django.conf import settings
from django.core.management import get_commands

from amphi.cli import COMMANDS
from amphi.system.setting_names import NAMES as VARIABLES
from tests.deploy import guide
from tests.deploy.machine import TOP
from tests.deploy.steps import NAMES

PAGE = guide.blocks(guide.PAGE.read_text())
SCRIPT = "\n".join(block.commands for block in PAGE)


def test_names_are_those_of_the_guide():
    assert PAGE[0].sets == set(NAMES)


def test_shell_reads_them():
    read = subprocess.run(["bash", "-n"], input=SCRIPT, check=False, capture_output=True, text=True)
    assert (read.returncode, read.stderr) == (0, "")


def test_amphi_has_them():
    named = set(re.findall(r"^amphi ([a-z-]+)", SCRIPT, re.MULTILINE))
    assert {"migrate", "check", "backup", "restore", "upgrade"} <= named
    assert named - set(COMMANDS) - set(get_commands()) == set()


def test_units_that_they_start_are_there():
    named = set(
        re.findall(r"\bamphi-(?:\w+)(?:\.timer)?(?=[ \n])", " ".join(re.findall(r"systemctl .*\n", SCRIPT)))
    )
    units = {name if "." in name else f"{name}.service" for name in named}
    assert {"amphi-web.service", "amphi-check.timer"} <= units
    assert {unit for unit in units if not (TOP / "deploy" / "systemd" / unit).exists()} == set()


def test_files_that_they_copy_are_there():
    named = re.findall(r"/opt/amphi/(deploy/\S+)", SCRIPT)
    assert named
    assert [path for path in named if not list(TOP.glob(path))] == []


@pytest.mark.parametrize("file", ["amphi.env", "gateway.env", "origin.env"])
def test_variables_that_they_write_are_read(file):
    [written] = re.findall(rf"^cat >/etc/amphi/{file} <<EOF\n(.*?)^EOF$", SCRIPT, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"^(\w+)=", written, re.MULTILINE))
    assert named
    assert named - VARIABLES == set()


def test_settings_that_they_write_are_read():
    [written] = re.findall(
        r"^cat >/etc/amphi/settings_local.py <<EOF\n(.*?)^EOF$", SCRIPT, re.MULTILINE | re.DOTALL
    )
    named = set(re.findall(r"^(\w+) = ", written, re.MULTILINE))
    assert "BBB_API_URL" in named
    assert {name for name in named - settings.KNOWN_SETTINGS if not hasattr(settings, name)} == set()
