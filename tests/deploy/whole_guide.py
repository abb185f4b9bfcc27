"""docs/deploy.md, all of it, on an empty Debian: `make test-deploy`. It takes the network, a quarter of an hour, and root.

`make test-deploy DEBIAN=trixie` does so on Debian 13. Each test leaves the machine as it found it.
"""

import re
from collections.abc import Iterator

import pytest

from tests.deploy.empty import empty_machine
from tests.deploy.machine import HOST
from tests.deploy.steps import PYTHON, Guide

pytestmark = pytest.mark.e2e

# More than Debian's nginx holds: two processes with 768 connections each, and two connections for a listener.
LISTENERS = 1200
HEALTH = f"https://{HOST}/healthz"


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


def test_everything_answers_when_the_timer_checks(followed: Guide) -> None:
    followed.machine.run("test -f /etc/systemd/system/amphi-check.timer && systemctl start amphi-check")
    lines = followed.machine.log("amphi-check").splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert [line for line in lines if line.startswith("WARN") and " mail " not in line] == []
    for what in ("database postgresql", "worker", "web", "player", "gateway", "rtmp", "broadcaster room-1"):
        assert any(line.startswith(f"OK    {what}") for line in lines), what


def test_settings_are_for_those_who_need_them(followed: Guide) -> None:
    told = followed.machine.run("stat -c '%a %U:%G %n' /etc/amphi /etc/amphi/*")
    assert told.split("\n")[:-1] == [
        "750 root:amphi /etc/amphi",
        "600 root:root /etc/amphi/amphi.env",
        "600 root:root /etc/amphi/gateway.env",
        "600 root:root /etc/amphi/origin.env",
        "640 root:amphi /etc/amphi/settings_local.py",
    ]
    tried = "runuser -u amphi -- /usr/local/sbin/amphi check 2>&1 || echo refused"
    assert followed.machine.run(tried).endswith("refused\n")


def test_gateway_joins_and_sends_only_where_it_may(followed: Guide) -> None:
    said = {
        (join, send): followed.ask_gateway(join_url=f"http://{join}/", rtmp_url=f"rtmp://{send}/live/x")
        for join in ("127.0.0.1:1", "elsewhere.test")
        for send in ("127.0.0.1:1", "elsewhere.test")
    }
    assert said.pop(("127.0.0.1:1", "127.0.0.1:1")) == 201
    assert set(said.values()) == {400}


def test_no_secret_is_in_the_list_of_processes(followed: Guide) -> None:
    settings = followed.machine.run("cat /etc/amphi/*")
    secrets = re.findall(r"(?:KEY|TOKEN) ?= ?\"?([^\"\n]+)", settings)
    assert len(secrets) == 5
    # An empty Debian has no `ps`.
    processes = followed.machine.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
    assert "amphi worker" in processes
    assert [secret for secret in secrets if secret in processes] == []


def test_certificate_is_renewed_while_the_site_runs(followed: Guide) -> None:
    certificate = f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{HOST}/cert.pem"
    before = followed.machine.run(certificate)
    [asking] = [block for block in followed.page if "certbot certonly" in block.commands]
    followed.machine.paste(asking)
    assert followed.machine.run(certificate) != before
    assert followed.status(HEALTH) == 200


def test_database_that_is_away_is_told(followed: Guide) -> None:
    followed.machine.run("systemctl stop postgresql")
    try:
        assert followed.status(HEALTH) == 503
    finally:
        followed.machine.run("systemctl start postgresql")
    followed.wait_for(HEALTH, 200)


def test_listeners_beyond_what_debian_allows(followed: Guide) -> None:
    listening = followed.listen(LISTENERS)
    assert listening.open == LISTENERS
    assert listening.heard() == LISTENERS
    logs = followed.machine.run("cat /var/log/nginx/*.log")
    assert f"/live/{followed.seed['event_id']}/events" in logs
    assert not any(ticket in logs for ticket in followed.seed["tickets"])


def test_rehearsal_through_nginx_and_tls(followed: Guide) -> None:
    with followed.rehearse(30) as rehearsal:
        followed.rehearsed(rehearsal)
    assert "/t/.../hls/" in followed.machine.run("cat /var/log/nginx/amphi.log"), (
        "pictures went through nginx"
    )


def test_backup_brings_back_rows_files_and_what_is_encrypted(followed: Guide) -> None:
    token = followed.machine.run("sed -n 's/^AMPHI_GATEWAY_TOKEN=//p' /etc/amphi/gateway.env").strip()
    followed.machine.run("echo slides >/var/lib/amphi/files/a.pdf; chown amphi /var/lib/amphi/files/a.pdf")
    followed.machine.new_shell()
    saving, restoring = followed.section("Back up")
    followed.machine.paste(saving)
    followed.machine.run(
        "sed -i 's/^AMPHI_SECRET_KEY=.*/AMPHI_SECRET_KEY=aKeyThatSomebodyMadeAnewAfterTheDiskHadDiedAndWasReplaced/' /etc/amphi/amphi.env\n"
        "rm -r /var/lib/amphi/files\n"
        "runuser -u postgres -- psql -q -c \"UPDATE webinars_livegateway SET sipmediagw_token = 'lost'\" amphi"
    )
    followed.machine.paste(restoring)
    read = "from amphi.webinars.models import LiveGateway as G; print(*G.objects.values_list('sipmediagw_token', flat=True))"
    assert followed.shell(read).split() == [token], "the other gateway has none of its own"
    assert followed.machine.run("runuser -u amphi -- cat /var/lib/amphi/files/a.pdf") == "slides\n"
    followed.wait_for(HEALTH, 200)


def test_upgrade_in_a_new_shell_works_on_the_same_database(followed: Guide) -> None:
    followed.machine.new_shell()
    followed.follow("Upgrade")
    followed.wait_for(HEALTH, 200)
    assert followed.findings()["FAIL"] == []
    assert followed.machine.run("find /root /var/lib -maxdepth 3 -name amphi.sqlite3") == ""
    assert "amphi" in followed.machine.run(f"{PYTHON} -m pip --version")
