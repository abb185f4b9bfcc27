"""deploy/ansible on an empty Debian, by Debian's own Ansible: `make test-ansible`. It takes the network, a quarter of an hour, and root.

`make test-ansible DEBIAN=trixie` does so on Debian 13.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import packages
from tests.deploy.empty import empty_machine
from tests.deploy.machine import HOST, TOP, Machine
from tests.deploy.packages import SUFFIX, package
from tests.deploy.steps import NAMES, SECRET, SLOW_S, Guide

pytestmark = pytest.mark.e2e

PASSWORD = "a-password-of-the-first-administrator"
VARIABLES = {
    "amphi_host": HOST,
    "amphi_bbb_url": NAMES["BBB_URL"],
    "amphi_bbb_secret": SECRET,
    "amphi_smtp_host": NAMES["SMTP_HOST"],
    "amphi_mail_from": NAMES["MAIL_FROM"],
    "amphi_admin_name": "admin",
    "amphi_admin_password": PASSWORD,
    "amphi_settings": {"AMPHI_INSTITUTION": "Université d’essai", "MEETING_DISABLE_RECORD": True},
    # This machine's Ansible is root already.
    "ansible_become": False,
}
KEYS = "sed -nE 's/^AMPHI_(SECRET_KEY|TICKET_KEY|GATEWAY_TOKEN)=//p' /etc/amphi/*.env"


def apply(debian: Machine, *options: str, network: bool = False) -> tuple[int, str]:
    """Apply the role as an operator does; how much it changed, and all that it said."""
    words = " ".join(options)
    said = debian.run(
        f"cd /root/ansible && ansible-playbook -vvv -i localhost, -c local -e @/root/variables.json {words} amphi.yml 2>&1",
        network=network,
        timeout_s=SLOW_S,
    )
    counted = re.search(r"localhost\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0", said)
    assert counted is not None, said
    return int(counted[1]), said


def bring(debian: Machine, folder: Path) -> None:
    """Put the packages, the role and the operator's variables onto an empty machine."""
    home = debian.files / "root"
    for number in (1, 2):
        shutil.copy(package(folder, number), home)
    shutil.copytree(TOP / "deploy" / "ansible", home / "ansible")
    playbook = (TOP / "deploy" / "ansible" / "site.yml").read_text()
    (home / "ansible" / "amphi.yml").write_text(playbook.replace("hosts: amphi", "hosts: all"))
    variables = VARIABLES | {"amphi_package": f"/root/{package(folder, 1).name}"}
    (home / "variables.json").write_text(json.dumps(variables))


def fetch(debian: Machine) -> str:
    """Do what needs the network: what comes then sees the machine's own servers alone. All that Ansible said."""
    debian.run("apt-get install -y -q ansible-core python3-apt openssl", network=True, timeout_s=SLOW_S)
    debian.make_authority()
    return apply(debian, "--tags", "install", network=True)[1]


@pytest.fixture(scope="module")
def brought() -> Iterator[Path]:
    """The folder of the packages."""
    with packages.built() as folder:
        yield folder


@pytest.fixture(scope="module")
def applied(brought: Path) -> Iterator[tuple[Guide, str]]:
    """The machine once the role was applied, and what Ansible said."""
    with empty_machine() as debian:
        bring(debian, brought)
        fetched = fetch(debian)
        changed, said = apply(debian)
        assert changed
        steps = Guide(debian)
        steps.administrate()
        with steps.classroom():
            yield steps, fetched + said


def test_everything_answers(applied: tuple[Guide, str]) -> None:
    steps, _ = applied
    found = steps.findings()
    assert found["FAIL"] == []
    assert [line for line in found["WARN"] if not line.startswith("mail ")] == []
    assert steps.shell(
        "from django.conf import settings as s; print(s.AMPHI_INSTITUTION, s.MEETING_DISABLE_RECORD)"
    ).split() == ["Université", "d’essai", "True"]


def test_second_time_changes_nothing_and_no_secret_is_said(applied: tuple[Guide, str]) -> None:
    steps, said = applied
    keys = steps.machine.run(KEYS).split()
    changed, again = apply(steps.machine)
    assert changed == 0, re.findall(r"TASK \[([^]]*)\][^\n]*\n(?:(?!TASK \[).*\n)*?changed:", again)
    assert steps.machine.run(KEYS).split() == keys
    assert len(keys) == 3
    assert [secret for secret in (*keys, SECRET, PASSWORD) if secret in said + again] == []


def test_changed_name_reaches_the_parts(applied: tuple[Guide, str]) -> None:
    steps, _ = applied
    changed, _ = apply(steps.machine, "-e", "amphi_smtp_host=mail.test")
    # The line, and the restart of the web server and the worker.
    assert changed == 2
    assert steps.shell("from django.conf import settings as s; print(s.EMAIL_HOST)").strip() == "mail.test"
    steps.wait_for(f"https://{HOST}/healthz", 200)


def test_upgrade_then_changes_nothing_more(brought: Path, applied: tuple[Guide, str]) -> None:
    steps, _ = applied
    newer = package(brought, 2).name
    options = ["-e", "amphi_smtp_host=mail.test", "-e", f"amphi_package=/root/{newer}"]
    changed, _ = apply(steps.machine, *options)
    # The file is brought, the package is installed.
    assert changed == 2
    assert f"+2{SUFFIX}" in steps.machine.run("dpkg-query -W amphi")
    # systemd's part, which is not here.
    steps.machine.run("systemctl restart amphi-web amphi-worker")
    changed, _ = apply(steps.machine, *options)
    assert changed == 0
    assert steps.findings()["FAIL"] == []
