"""A machine of the tests' own on which the guide is followed: own processes, own network, own files, thrown away at the end.

It is a Debian with nothing in it: see `empty.py`. It needs root, for namespaces and for the users that the guide makes.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.deploy import guide
from tests.deploy.guide import Block

TOP = Path(__file__).parents[2]
HERE = Path(__file__).parent
PATIENCE_S = 300.0
HOST = "amphi.test"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
AUTHORITY = f"""
mkdir -p /etc/test-authority
cd /etc/test-authority
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=Test authority' -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
cp ca.pem /usr/local/share/ca-certificates/test-authority.crt
update-ca-certificates >/dev/null 2>&1
echo '127.0.0.1 {HOST}' >>/etc/hosts
"""


@dataclass
class Machine:
    """One that runs.

    Attributes:
        pid: of its first process, as this machine knows it.
    """

    pid: int

    def _enter(self, *, network: bool) -> list[str]:
        # The network is this machine's, for what fetches; everything else sees the machine's own loopback alone.
        spaces = ["--mount", "--pid", "--root", "--wd", *([] if network else ["--net"])]
        return ["nsenter", "--target", str(self.pid), *spaces, "--"]

    def popen(self, *command: str, network: bool = False, **environment: str) -> subprocess.Popen[str]:
        """Start a command on it, as root, with the environment of a root's shell."""
        return subprocess.Popen(
            [*self._enter(network=network), *command],
            env={"HOME": "/root", "PATH": SEARCH_PATH, "LANG": "C.UTF-8", "TERM": "dumb"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, script: str, *, network: bool = False, timeout_s: float = PATIENCE_S, **environment: str
    ) -> str:
        """Paste a script into a root's shell; what it printed is returned, and what fails fails."""
        process = self.popen("bash", "-seuo", "pipefail", network=network, **environment)
        with process:
            try:
                out, error = process.communicate(script, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == 0, f"{script}\n{out}\n{error}"
        return out

    def paste(self, block: Block, *, timeout_s: float = PATIENCE_S, **environment: str) -> str:
        """Paste one block of the page into the operator's shell, which keeps the variables that are set in it."""
        known = " ".join(sorted({name for one in guide.blocks(guide.PAGE.read_text()) for name in one.sets}))
        return self.run(
            f"touch /run/shell\n. /run/shell\n{block.commands}\n"
            f'for name in {known}; do [ -z "${{!name+set}}" ] || declare -p "$name"; done >/run/shell\n',
            network=block.needs_network,
            timeout_s=timeout_s,
            **environment,
        )

    def make_authority(self) -> None:
        """An authority that the machine trusts, and what stands for Let's Encrypt."""
        self.write("/usr/local/bin/certbot", (HERE / "certbot.sh").read_text())
        self.run(f"chmod 755 /usr/local/bin/certbot\n{AUTHORITY}")

    def new_shell(self) -> None:
        """The operator comes back another day."""
        self.run("rm -f /run/shell")

    @property
    def files(self) -> Path:
        """Its root folder, as this machine sees it."""
        return Path(f"/proc/{self.pid}/root")

    def write(self, file: str, text: str) -> None:
        """Write a file."""
        (self.files / file.lstrip("/")).write_text(text)

    def log(self, unit: str) -> str:
        """What a service has said."""
        return self.run(f"cat /var/log/{unit}.log")


def require_root() -> None:
    """Fail with a sentence where the machine can't be made."""
    assert os.geteuid() == 0, (
        "This test makes a machine of its own, with its own users and network: run it as root."
    )


@contextlib.contextmanager
def over_empty_debian(root: Path) -> Iterator[Machine]:
    """A machine with the files in `root`, which it may change."""
    require_root()
    # The namespaces' parent is killed with this process, and all of them with their first.
    spaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    init = subprocess.Popen(
        ["unshare", *spaces, sys.executable, "-m", "tests.deploy.init", str(root)],
        cwd=TOP,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        children = Path(f"/proc/{init.pid}/task/{init.pid}/children")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if init.poll() is not None:
                assert init.stderr is not None
                raise AssertionError(f"the machine did not start: {init.stderr.read()}")
            pid = next(iter(children.read_text().split()), "")
            if pid and Path(f"/proc/{pid}/root/run/init/ready").exists():
                break
            assert time.monotonic() < deadline, "the machine did not start"
            time.sleep(0.02)
        yield Machine(int(pid))
    finally:
        init.kill()
        _, said = init.communicate(timeout=PATIENCE_S)
        # Nothing is said unless the machine broke: what failed on it is told by this alone.
        sys.stderr.write(said)


def remove(root: Path) -> None:
    """Remove a machine's files; nothing is mounted there any more, since its mounts went with it."""
    shutil.rmtree(root)
