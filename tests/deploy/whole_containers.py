"""The images of deploy/containers, built and started: `make test-containers`. It takes the network, ten minutes, and root.

`AMPHI_TEST_IMAGES` names a folder that keeps the images: the next run builds what changed alone.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import empty, guide, machine
from tests.deploy.images import START_S, Part, Store, running
from tests.deploy.machine import HOST, TOP
from tests.deploy.steps import SLOW_S
from tests.deploy.units import read_environment

pytestmark = pytest.mark.e2e

SQLITE = {"AMPHI_DATABASE_URL": "sqlite:////tmp/amphi.sqlite3"}
VOLUMES = ["/var/lib/amphi/files", "/var/lib/amphi/static", "/var/lib/amphi-recordings"]
TABLES = "amphi migrate --no-input -v 0 && amphi collectstatic --no-input -v 0"
# What Docker's own profile does to a container without CAP_SYS_ADMIN: no new user namespace.
NO_NAMESPACES = [
    {
        "names": ["clone"],
        "action": "SCMP_ACT_ERRNO",
        "args": [{"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}],
    },
    {"names": ["unshare"], "action": "SCMP_ACT_ERRNO"},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
]
BROWSE = "chromium --headless --disable-gpu --no-first-run --user-data-dir=/tmp/c --dump-dom 'data:text/html,<script>document.write(6*7)</script>'"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """The three images."""
    machine.require_root()
    with contextlib.ExitStack() as stack:
        kept = os.environ.get("AMPHI_TEST_IMAGES")
        folder = Path(kept or tempfile.mkdtemp(prefix="amphi-images-", dir="/var/tmp"))
        if not kept:
            stack.callback(shutil.rmtree, folder)
        images = Store(folder)
        if not (folder / "debian").exists():
            (folder / "debian").mkdir(parents=True)
            empty.fill(folder / "debian", "bookworm")
            images.take_debian(folder / "debian")
        for target in ("amphi", "gateway", "edge"):
            images.build(target)
        yield images


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The files that docs/containers.md has an operator write."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "deploy" / "containers").mkdir(parents=True)
    page = (TOP / "docs" / "containers.md").read_text()
    names, files, *_ = [block for block in guide.blocks(page) if block.section == "Configure"]
    script = f"set -euo pipefail\n{names.commands.replace('amphi.univ.fr', HOST)}\n{files.commands}"
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, timeout=START_S)
    made = folder / "deploy" / "containers"
    return {file.stem: read_environment(file.read_text()) for file in made.glob("*.env")}


@pytest.mark.parametrize("name", ["web", "worker"])
def test_platform(store: Store, written: dict[str, dict[str, str]], tmp_path: Path, name: str) -> None:
    command = ["sh", "-ec", f"{TABLES}; exec amphi {name}"]
    part = Part(name, command, written["platform"] | SQLITE, folders=VOLUMES)
    with running(store, part, tmp_path) as container:
        container.wait_until_healthy(name)
        assert container.ask("test", "-s", "/var/lib/amphi/static/admin/css/base.css") == 0
        assert container.ask("touch", "/opt/amphi/x") != 0


def test_origin(store: Store, written: dict[str, dict[str, str]], tmp_path: Path) -> None:
    part = Part("origin", None, written["origin"], folders=["/var/lib/amphi-recordings"])
    with running(store, part, tmp_path) as container:
        container.wait_until_healthy("origin")


def test_gateway(store: Store, written: dict[str, dict[str, str]], tmp_path: Path) -> None:
    environment = written["gateway"] | {"HOME": "/var/lib/amphi-gateway"}
    with running(store, Part("gateway", None, environment), tmp_path) as container:
        container.wait_until_healthy("gateway")
        # The browser that it keeps ready; the brackets keep the question from finding itself.
        container.wait_until("sh", "-c", "grep -qsa -- '[-]-type=renderer' /proc/[0-9]*/cmdline")
        assert container.ask("sh", "-c", "grep -qsa -- '[-]-no-sandbox' /proc/[0-9]*/cmdline") == 1


@pytest.mark.parametrize(("refused", "goes"), [([], True), (NO_NAMESPACES, False)])
def test_chromium_has_its_sandbox_or_does_not_start(
    store: Store, tmp_path: Path, refused: list[dict[str, object]], *, goes: bool
) -> None:
    part = Part("gateway", ["sh", "-c", BROWSE], {"HOME": "/var/lib/amphi-gateway"}, seccomp=refused)
    with running(store, part, tmp_path) as container:
        container.process.wait(START_S)
        said = container.log.read_text()
    assert ("<body>42</body>" in said) is goes, said
    assert ("No usable sandbox!" in said) is not goes


def test_edge(store: Store, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost web origin\n")
    tls = tmp_path / "tls"
    tls.mkdir()
    request = [
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        f"/CN={HOST}",
    ]
    files = ["-keyout", str(tls / "privkey.pem"), "-out", str(tls / "fullchain.pem")]
    subprocess.run(["openssl", "req", *request, *files], check=True, capture_output=True, timeout=SLOW_S)
    (tls / "privkey.pem").chmod(0o644)
    part = Part("nginx", None, {"AMPHI_HOST": HOST}, {"/etc/hosts": hosts, "/etc/amphi-tls": tls}, [])
    with running(store, part, tmp_path / "bundle") as container:
        container.wait_until_healthy("nginx")
        served = [
            "curl",
            "-sk",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--resolve",
            f"{HOST}:8443:127.0.0.1",
        ]
        # Nobody is behind it here.
        assert container.ask("sh", "-c", f"[ $({' '.join(served)} https://{HOST}:8443/) = 502 ]") == 0
