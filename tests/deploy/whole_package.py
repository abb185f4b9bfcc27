"""docs/package.md on an empty Debian: `make test-package`. It takes the network, twenty minutes, and root.

`make test-package DEBIAN=trixie` does so on Debian 13.
"""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from amphi.classroom.site import LIBRARIES
from amphi.pages.templatetags import icons
from amphi.system import vendor
from tests.deploy import guide, packages
from tests.deploy.empty import empty_machine
from tests.deploy.machine import HOST
from tests.deploy.packages import SUFFIX, package, section
from tests.deploy.steps import ADMINISTRATOR, NAMES, PATIENCE_S, SLOW_S, Guide

pytestmark = pytest.mark.e2e

PARTS = ["amphi-gateway.service", "amphi-origin.service", "amphi-web.service", "amphi-worker.service"]
STARTED_AT_BOOT = "cd /etc/systemd/system/multi-user.target.wants && ls | sed -n '/^amphi-/p'"
ON_AIR = "from amphi.webinars.models import Livestream as L; print(L.objects.filter(state='live').count())"


@pytest.fixture(scope="module")
def brought() -> Iterator[Path]:
    """The folder of packages and wheel."""
    with packages.built() as folder:
        yield folder


@pytest.fixture(scope="module")
def installed(brought: Path) -> Iterator[Guide]:
    """The machine once the page's “Install” is done, and nginx is there."""
    with empty_machine() as debian:
        for number in (1, 2):
            (debian.files / "root" / str(number)).mkdir()
            shutil.copy(package(brought, number), debian.files / "root" / str(number))
        [wheel] = brought.glob("*.whl")
        shutil.copy(wheel, debian.files / "root")
        steps = Guide(debian)
        fetching, names, *rest = section("Install")
        debian.run(f"cd /root/1\n{fetching.commands}", network=True, timeout_s=SLOW_S)
        debian.run(
            "apt-get install -y -q nginx libnginx-mod-http-brotli-static python3-venv",
            network=True,
            timeout_s=SLOW_S,
        )
        debian.run("systemctl start postgresql nginx")
        debian.make_authority()
        own = guide.with_names(names, {name: value for name, value in NAMES.items() if name != "SOURCE"})
        script = "\n".join(block.commands for block in (own, *rest))
        debian.run(
            script.replace("createsuperuser", "createsuperuser --no-input"), timeout_s=SLOW_S, **ADMINISTRATOR
        )
        # What follows the units, which the package has.
        for block in steps.section("Start")[1:]:
            debian.paste(block, timeout_s=SLOW_S)
        steps.administrate()
        with steps.classroom():
            yield steps


def test_wheel_carries_libraries_and_catalogues(brought: Path) -> None:
    """It carries what `npm ci`, `esbuild` and `msgfmt` made, so that who installs it needs none of them."""
    [wheel] = brought.glob("amphi-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    served = [folder.relative_to(vendor.node_modules()) for _, folder in settings.STATICFILES_DIRS]
    for library in (*LIBRARIES.values(), *served, icons.FOLDER):
        installed = [path for path in (vendor.node_modules() / library).rglob("*") if path.is_file()]
        wanted = {f"amphi/front_end/{path.relative_to(vendor.node_modules())}" for path in installed}
        assert {name for name in wanted if not name.endswith(".map")} <= names
    assert "amphi/locale/fr/LC_MESSAGES/django.mo" in names
    assert any(name.startswith("amphi/front_end/hls.js/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_everything_answers(installed: Guide) -> None:
    found = installed.findings()
    assert found["FAIL"] == []
    assert [line for line in found["WARN"] if not line.startswith("mail ")] == []


def test_webinar_stays_on_the_air_while_amphi_is_upgraded(installed: Guide) -> None:
    # As `systemctl disable amphi-origin` does.
    installed.machine.run("rm /etc/systemd/system/multi-user.target.wants/amphi-origin.service")
    with installed.rehearse(90) as rehearsal:
        while installed.shell(ON_AIR).strip() == "0":
            assert rehearsal.poll() is None, rehearsal.communicate()
        said = installed.machine.run(
            "cd /root/2 && apt-get install -y -q ./amphi_*.deb 2>&1", timeout_s=SLOW_S
        )
        assert "amphi-gateway and amphi-origin run on" in said
        # systemd's part, which is not here.
        installed.machine.run("systemctl restart amphi-web amphi-worker")
        installed.rehearsed(rehearsal)
    assert f"+2{SUFFIX}" in installed.machine.run("dpkg-query -W amphi")
    assert installed.findings()["FAIL"] == []
    # What an operator switched off stays so.
    assert installed.machine.run(STARTED_AT_BOOT).split() == [p for p in PARTS if p != "amphi-origin.service"]


def test_destroyed_database_comes_back(installed: Guide) -> None:
    count = "from amphi.meetings.models import Meeting as M; print(M.objects.count(), M.objects.latest('pk').name)"
    before = installed.shell(count)
    assert before.split()[0] != "0"
    saving, bringing_back = (block.commands for block in installed.section("Back up"))
    destroying = "amphi flush --no-input"
    installed.machine.run(f"{saving}\n{destroying}\n{bringing_back}")
    installed.wait_for(f"https://{HOST}/healthz", 200)
    assert installed.shell(count) == before
    assert installed.findings()["FAIL"] == []


def test_what_is_removed_and_installed_again_is_as_before(installed: Guide) -> None:
    parts = "amphi-web amphi-worker amphi-origin amphi-gateway"
    installed.machine.run(
        f"systemctl stop {parts}\napt-get remove -y -q amphi\n! [ -e /opt/amphi ]\n"
        f"cd /root/2 && apt-get install -y -q ./amphi_*.deb\nsystemctl start {parts}"
    )
    installed.wait_for(f"https://{HOST}/healthz", 200)
    assert installed.findings()["FAIL"] == []
    assert installed.machine.run(STARTED_AT_BOOT).split() == [p for p in PARTS if p != "amphi-origin.service"]


def test_purge_leaves_what_cannot_be_made_again_unless_asked(installed: Guide) -> None:
    installed.machine.run(
        "systemctl stop amphi-web amphi-worker amphi-origin amphi-gateway\napt-get purge -y -q amphi"
    )
    assert "AMPHI_SECRET_KEY=" in installed.machine.run("cat /etc/amphi/amphi.env")
    kept = "/var/lib/amphi-recordings\n/var/lib/amphi/files\n"
    assert installed.machine.run("ls -d /var/lib/amphi/files /var/lib/amphi-recordings") == kept
    # dpkg takes /opt away too, where nothing else is in it.
    assert installed.machine.run("find / -maxdepth 2 -path '/opt/*'") == ""
    installed.machine.run(
        "cd /root/2 && apt-get install -y -q ./amphi_*.deb && AMPHI_PURGE=yes apt-get purge -y -q amphi"
    )
    assert installed.machine.run("ls -d /etc/amphi /var/lib/amphi* 2>/dev/null || true") == ""
    assert installed.machine.run("getent passwd amphi || true; getent group amphi-recordings || true") == ""


def test_demo_of_the_wheel_alone_has_a_webinar_on_the_air(installed: Guide) -> None:
    """It needs the programs that the package needs too, and nothing of a checkout."""
    installed.machine.run("python3 -m venv /root/venv && ! command -v npm")
    fetch = "/root/venv/bin/pip install -q /root/amphi-*.whl"
    installed.machine.run(fetch, network=True, timeout_s=SLOW_S)
    # Debian's own Chromium again, and the ports that are free.
    installed.machine.run("rm /usr/local/bin/chromium")
    with installed.machine.popen(
        "/root/venv/bin/amphi", "demo", "--alive", "--port", "9000", "--var", "/root/var"
    ) as demo:
        assert demo.stdout is not None
        said: list[str] = []
        for line in demo.stdout:
            said.append(line)
            if line.startswith("On the air:"):
                break
        assert said[-1].startswith("On the air:"), "".join(said)
        installed.machine.run("kill -INT $(cat /root/var/demo.lock)")
        demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0
