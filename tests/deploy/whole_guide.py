"""docs/deploy.md, all of it, on an empty Debian: `make test-deploy`. It takes the network, a quarter of an hour, and root.

`make test-deploy DEBIAN=trixie` does so on Debian 13.
"""

from collections.abc import Iterator

import pytest

from tests.deploy.empty import empty_machine
from tests.deploy.machine import HOST
from tests.deploy.steps import PYTHON, Guide

pytestmark = pytest.mark.e2e

LISTENERS = 1200


@pytest.fixture(scope="module")
def followed() -> Iterator[Guide]:
    """The machine once all up to “Check” is done."""
    with empty_machine() as debian:
        steps = Guide(debian)
        steps.follow("Install", after_first="systemctl start postgresql nginx")
        debian.make_authority()
        steps.follow("Configure")
        steps.follow("Start")
        steps.administrate()
        with steps.classroom():
            yield steps


def test_everything_answers(followed: Guide) -> None:
    found = followed.findings()
    assert found["FAIL"] == []
    assert [line for line in found["WARN"] if not line.startswith("mail ")] == []


def test_listeners(followed: Guide) -> None:
    listening = followed.listen(LISTENERS)
    assert listening.open == LISTENERS
    assert listening.heard() == LISTENERS


def test_rehearsal_through_nginx_and_tls(followed: Guide) -> None:
    with followed.rehearse(30) as rehearsal:
        followed.rehearsed(rehearsal)
    assert "/t/.../hls/" in followed.machine.run("cat /var/log/nginx/amphi.log"), (
        "pictures went through nginx"
    )


def test_backup_and_upgrade_in_new_shells(followed: Guide) -> None:
    followed.machine.new_shell()
    followed.follow("Back up")
    followed.machine.new_shell()
    followed.follow("Upgrade")
    followed.wait_for(f"https://{HOST}/healthz", 200)
    assert followed.findings()["FAIL"] == []
    assert "amphi" in followed.machine.run(f"{PYTHON} -m pip --version")
