"""Amphi's images, built by buildah on a Debian of debootstrap's, and parts of compose.yaml that run in them by crun: no engine and no registry is needed.

What an engine does with compose.yaml is done here as far as one part alone needs it: user, command, environment, read-only root, tmpfs, capabilities, seccomp.
The parts do not meet: each has a network of its own with nothing but loopback.
"""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.machine import TOP
from tests.deploy.steps import SLOW_S

FOLDER = TOP / "deploy" / "containers"
DOCKERFILE = FOLDER / "Dockerfile"
PARTS: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
DEBIAN = "docker.io/library/debian:bookworm-slim"
USERS = {"amphi": 10001, "gateway": 10002, "edge": 33}
START_S = 60.0
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "mode=1777"]},  # noqa: S108
]


@dataclass
class Store:
    """Where buildah keeps images."""

    folder: Path

    def buildah(self, *arguments: str, timeout_s: float = SLOW_S) -> str:
        """Run buildah to its end; what it printed."""
        places = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        done = subprocess.run(
            ["buildah", "--storage-driver", "overlay", *places, *arguments],
            cwd=TOP,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, (
            f"buildah {' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout.strip()

    def take_debian(self, files: Path) -> None:
        """Have the files in `files` as the image that the Dockerfile begins with."""
        made = self.buildah("from", "scratch")
        root = self.buildah("mount", made)
        subprocess.run(["cp", "-a", f"{files}/.", root], check=True, timeout=SLOW_S)
        self.buildah("commit", "--rm", "-q", made, DEBIAN)

    def build(self, target: str) -> None:
        """Build a target of the Dockerfile."""
        how = ["--isolation", "chroot", "--pull-never", "--layers", "--file", str(DOCKERFILE)]
        # As the name servers are found, and packages verified, where this runs.
        certificate = os.environ.get("PIP_CERT")
        how += [
            "--volume",
            "/etc/resolv.conf:/etc/resolv.conf:ro",
            *(["--env", f"PIP_CERT={certificate}"] if certificate else []),
        ]
        self.buildah("bud", *how, "--target", target, "--tag", f"test-{target}", ".")


@dataclass
class Part:
    """A part of compose.yaml, and what a test puts in the place of what is not here.

    Attributes:
        name: its name there.
        command: what runs; else what compose.yaml or the image says.
        environment: more variables.
        binds: files and folders of this machine, by where they are in the container.
        folders: volumes that are empty at first.
        seccomp: groups of system calls that are refused besides.
    """

    name: str
    command: list[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    binds: dict[str, Path] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    seccomp: list[dict[str, Any]] = field(default_factory=list)

    @property
    def target(self) -> str:
        """The Dockerfile's target."""
        return str(PARTS[self.name]["image"]).removeprefix("amphi-")

    def _default_command(self) -> list[str]:
        if self.target == "edge":
            return ["edge"]
        return ["amphi", *PARTS[self.name].get("command", ["gateway" if self.target == "gateway" else "web"])]

    def _mounts(self) -> list[dict[str, Any]]:
        user = USERS[self.target]
        own = f"uid={user},gid={user},mode=0755"
        wanted = [*PARTS[self.name]["tmpfs"], *(f"{folder}:{own}" for folder in self.folders)]
        mounts = []
        for destination, _, options in (one.partition(":") for one in wanted):
            said = ["nosuid", "nodev", *(options or "mode=1777").split(",")]
            mounts.append({"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": said})
        for destination, source in self.binds.items():
            mounts.append(
                {
                    "destination": destination,
                    "type": "bind",
                    "source": str(source),
                    "options": ["rbind", "ro"],
                }
            )
        return mounts

    def _filter(self) -> dict[str, Any]:
        profile: dict[str, Any] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
        for option in PARTS[self.name]["security_opt"]:
            if option.startswith("seccomp:"):
                profile = json.loads((FOLDER / option.removeprefix("seccomp:")).read_text())
        groups = [*profile["syscalls"], *self.seccomp]
        # Comments are of Docker's form alone, and crun wants a group to refuse something.
        said = [{key: value for key, value in group.items() if key != "comment"} for group in groups]
        return {"seccomp": {"defaultAction": profile["defaultAction"], "syscalls": said}} if said else {}

    def bundle(self, root: str) -> dict[str, Any]:
        """The configuration by the OCI's runtime specification."""
        user = USERS[self.target]
        image = dict(
            re.findall(r"([A-Z_]+)=(\S+)", re.findall(r"^ENV (.*)", DOCKERFILE.read_text(), re.MULTILINE)[0])
        )
        environment = {
            "PATH": SEARCH_PATH,
            **(image if self.target != "edge" else {}),
            **PARTS[self.name].get("environment", {}),
            **self.environment,
        }
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": user, "gid": user},
                "args": self.command or self._default_command(),
                "cwd": "/var/lib/amphi-gateway" if self.target == "gateway" else "/",
                "env": [f"{name}={value}" for name, value in environment.items()],
                "noNewPrivileges": True,
                "capabilities": {},
            },
            "root": {"path": root, "readonly": PARTS[self.name]["read_only"]},
            "mounts": MOUNTS + self._mounts(),
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")],
                **self._filter(),
            },
        }


def _crun(*arguments: str) -> list[str]:
    # Where control groups of both versions are mounted, crun refuses; it needs none here.
    hide = 'mount -t tmpfs none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"'
    return ["unshare", "--mount", "sh", "-c", hide, "sh", *arguments]


@dataclass
class Container:
    """A part that runs."""

    process: subprocess.Popen[str]
    name: str
    log: Path

    def ask(self, *command: str) -> int:
        """Run a command in it; its status."""
        return subprocess.run(
            _crun("exec", self.name, *command), check=False, capture_output=True, timeout=START_S
        ).returncode

    def wait_until(self, *command: str) -> None:
        """Wait until a command succeeds in it."""
        deadline = time.monotonic() + START_S
        while self.ask(*command):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.5)

    def wait_until_healthy(self, part: str) -> None:
        """Wait until the health check of compose.yaml succeeds."""
        _, *test = PARTS[part]["healthcheck"]["test"]
        self.wait_until(*test)


@contextlib.contextmanager
def running(store: Store, part: Part, folder: Path) -> Iterator[Container]:
    """Run a part until the block ends."""
    made = store.buildah("from", "--pull-never", f"localhost/test-{part.target}")
    name = f"amphi-test-{part.name}-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(part.bundle(store.buildah("mount", made))))
        log = folder / "log"
        with log.open("w") as said:
            process = subprocess.Popen(
                _crun("run", "--bundle", str(folder), name),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
            )
        try:
            yield Container(process, name, log)
        finally:
            if process.poll() is None:
                subprocess.run(_crun("kill", name, "KILL"), check=False, capture_output=True, timeout=START_S)
                process.wait(START_S)
    finally:
        store.buildah("rm", made)
