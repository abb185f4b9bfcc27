"""The first process of the machine on which tests follow the guide, and what stands there for systemd, which needs more than a namespace.

    unshare --mount --net --pid --fork --kill-child python -m tests.deploy.init ROOT

It enters the files in ROOT. Then it does what `systemctl`, a script beside it, asks for by files in ``/run/init``. Units' own ``ExecStart`` are started as
their users, with the environment, the limits and the folders that the units name, and nothing of ours. It does not sandbox them, and
starts nothing again. nginx and PostgreSQL are started by what Debian's own units call.
"""

import contextlib
import grp
import os
import pwd
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.units import Unit, last, read_environment, read_unit

REQUESTS = Path("/run/init")
UNITS = Path("/etc/systemd/system")
PACKAGES_UNITS = Path("/usr/lib/systemd/system")
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_S = 120.0
STOP_S = 60.0
POLL_S = 0.02
DEFAULT_LIMIT = "1024"
"""Of open files, for a unit that says nothing."""
SYSTEMCTL = """#!/bin/sh
printf '%s\\n' "$*" >/run/init/$$.new && mv /run/init/$$.new /run/init/$$.request
while [ ! -e /run/init/$$.status ]; do sleep 0.05; done
case " $* " in
  *" show "* | *" is-enabled "* | *" is-active "*) cat /run/init/$$.said ;;
  *) cat /run/init/$$.said >&2 ;;
esac
status=$(cat /run/init/$$.status); rm /run/init/$$.*
exit "$status"
"""


@contextlib.contextmanager
def open_files(limit: int) -> Iterator[None]:
    """What is started here may open that many files, as ``LimitNOFILE`` says, or as many as may be opened at all."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1] if before[1] != resource.RLIM_INFINITY else limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, most), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class UnitError(Exception):
    """A unit can't be started; the text says why."""


def command(*arguments: str) -> None:
    """Run a command of the machine to its end."""
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, env={"PATH": SEARCH_PATH})
    if done.returncode:
        raise UnitError(f"{arguments[0]}: {done.stderr}")


def mount_what_a_machine_has(root: Path) -> None:
    """Processes, devices, and folders that are empty when a machine starts."""
    for kind, folder in (("proc", "proc"), ("sysfs", "sys"), ("tmpfs", "run"), ("tmpfs", "tmp")):
        command("mount", "-t", kind, kind, str(root / folder))
    command("mount", "--rbind", "/dev", str(root / "dev"))
    (root / "tmp").chmod(0o1777)


def enter(root: Path) -> None:
    """Make ROOT this process's root and that of all that it starts."""
    (root / ".before").mkdir(exist_ok=True)
    try:
        command("pivot_root", str(root), str(root / ".before"))
    except UnitError:
        # Within a chroot there is no root to change; Chromium's sandbox does not work there, and no test of those needs it.
        os.chroot(root)
    os.chdir("/")
    with contextlib.suppress(UnitError):
        command("umount", "-l", "/.before")


def prepare() -> None:
    """What a machine has done when it is started: `systemctl`, and who answers it."""
    systemctl = Path("/usr/local/sbin/systemctl")
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    REQUESTS.mkdir()
    (REQUESTS / "ready").touch()


def _version() -> str:
    """The newest PostgreSQL that has a cluster."""
    return max((folder.name for folder in Path("/etc/postgresql").iterdir()), key=float)


def _user(unit: Unit) -> pwd.struct_passwd:
    return pwd.getpwnam(last(unit, "User", "root"))


def _environment(unit: Unit, user: pwd.struct_passwd) -> dict[str, str]:
    variables = {
        "PATH": SEARCH_PATH,
        "LANG": "C.UTF-8",
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell,
    }
    for line in unit.get("Environment", []):
        variables |= dict(word.split("=", 1) for word in shlex.split(line))
    for file in unit.get("EnvironmentFile", []):
        variables |= read_environment(Path(file).read_text())
    return variables


def _unit_file(name: str) -> Path:
    """An operator's own, else a package's."""
    own = UNITS / name
    return own if own.exists() else PACKAGES_UNITS / name


class Service:
    """A unit of the project that was started."""

    def __init__(self, name: str) -> None:
        self.name = name
        unit = read_unit(_unit_file(f"{name}.service"))
        user = _user(unit)
        self._type = last(unit, "Type", "simple")
        environment = _environment(unit, user)
        self._line: socket.socket | None = None
        if self._type == "notify":
            self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            address = f"/run/init/{name}.notify"
            Path(address).unlink(missing_ok=True)
            self._line.bind(address)
            Path(address).chmod(0o777)
            environment["NOTIFY_SOCKET"] = address
            environment["WATCHDOG_USEC"] = str(int(last(unit, "WatchdogSec", "0")) * 1_000_000)
        for folder in unit.get("StateDirectory", []):
            state = Path("/var/lib") / folder
            state.mkdir(exist_ok=True)
            os.chown(state, user.pw_uid, user.pw_gid)
        group = grp.getgrnam(last(unit, "Group", user.pw_name)).gr_gid
        log = Path(f"/var/log/{name}.log").open("ab")  # noqa: SIM115 -- closed below
        with log, open_files(int(last(unit, "LimitNOFILE", DEFAULT_LIMIT))):
            self.process = subprocess.Popen(
                shlex.split(last(unit, "ExecStart")),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=last(unit, "WorkingDirectory", "/"),
                user=user.pw_uid,
                group=group,
                # As systemd does: those that the user database says.
                extra_groups=os.getgrouplist(user.pw_name, group),
                umask=int(last(unit, "UMask", "0022"), 8),
                start_new_session=True,
            )

    def wait_until_started(self) -> None:
        """As ``systemctl start`` does: a notifying service says when; a oneshot has ended well; another one runs."""
        if self._type == "oneshot":
            if self.process.wait(START_S):
                raise UnitError(f"{self.name} failed")
        elif self._line is not None:
            self._line.settimeout(START_S)
            while self._line.recv(1000) != b"READY=1":
                continue

    def listen(self) -> None:
        """Take what it tells meanwhile, as systemd does: who tells would wait for it."""
        if self._line is not None:
            self._line.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while self._line.recv(1000):
                    continue

    def stop(self) -> None:
        """End it, and whatever it left behind."""
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        try:
            while self.process.poll() is None:
                if time.monotonic() > deadline:
                    raise UnitError(f"{self.name} does not stop")
                self.listen()
                time.sleep(POLL_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if self._line is not None:
                self._line.close()


class Init:
    """What `systemctl` talks to."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        # Debian's packages switch these two on.
        self.enabled = {"postgresql.service", "nginx.service"}
        self.nginx: subprocess.Popen[bytes] | None = None

    def start(self, name: str) -> None:
        if name == "postgresql":
            run = Path("/run/postgresql")
            run.mkdir(exist_ok=True)
            shutil.chown(run, "postgres", "postgres")
            command("pg_ctlcluster", _version(), "main", "start")
        elif name == "nginx":
            self._start_nginx()
        elif not name.endswith(".timer") and name not in self.services:
            self.services[name] = Service(name)
            self.services[name].wait_until_started()

    def stop(self, name: str) -> None:
        if name == "postgresql":
            command("pg_ctlcluster", _version(), "main", "stop", "--mode", "fast")
        elif name == "nginx" and self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait(STOP_S)
        elif name in self.services:
            self.services.pop(name).stop()

    def _start_nginx(self) -> None:
        drop_ins = sorted((UNITS / "nginx.service.d").glob("*.conf"))
        with open_files(int(last(read_unit(*drop_ins), "LimitNOFILE", DEFAULT_LIMIT))):
            self.nginx = subprocess.Popen(
                ["/usr/sbin/nginx", "-g", "daemon off; master_process on;"], env={"PATH": SEARCH_PATH}
            )

    def is_active(self, name: str) -> bool:
        """Whether a unit runs; a timer does once it is switched on."""
        if name == "postgresql":
            return any(Path("/run/postgresql").glob(".s.PGSQL.*[0-9]"))
        if name == "nginx":
            return self.nginx is not None and self.nginx.poll() is None
        if name.endswith(".timer"):
            return name in self.enabled
        return name in self.services and self.services[name].process.poll() is None

    def tell(self, words: list[str]) -> tuple[str, int] | None:
        """What ``systemctl`` prints where it asks and changes nothing, with its status."""
        if words == ["--version"]:
            return "systemd 252 (the tests' own)\n", 0
        verb, *names = [word for word in words if not word.startswith("-")]
        if verb not in {"show", "is-enabled", "is-active"}:
            return None
        unit = names[-1] if "." in names[-1] else f"{names[-1]}.service"
        active = self.is_active(unit.removesuffix(".service"))
        if verb == "show":
            state = "active" if active else "inactive"
            known = "loaded" if _unit_file(unit).exists() else "not-found"
            return f"Id={unit}\nLoadState={known}\nActiveState={state}\nSubState=\n", 0
        if verb == "is-active":
            return ("active\n", 0) if active else ("inactive\n", 3)
        return ("enabled\n", 0) if unit in self.enabled else ("disabled\n", 1)

    def carry_out(self, words: list[str]) -> None:
        """Do what ``systemctl WORDS`` asks."""
        now = "--now" in words
        verb, *names = [word for word in words if not word.startswith("-")]
        if verb == "daemon-reload":
            return
        if verb in {"enable", "preset"}:
            self.enabled |= {name if "." in name else f"{name}.service" for name in names}
            verb = "start" if now else verb
        for name in (one.removesuffix(".service") for one in names):
            if verb in {"stop", "restart"}:
                self.stop(name)
            if verb in {"start", "restart"}:
                if name.endswith(".timer") and not _unit_file(name).exists():
                    raise UnitError(f"there is no {name}")
                self.start(name)
            elif verb == "reload" and self.nginx is not None:
                self.nginx.send_signal(signal.SIGHUP)
            elif verb not in {"stop", "reload", "enable", "preset"}:
                raise UnitError(f"systemctl {verb} is not known here")

    def answer(self, request: Path) -> None:
        """Carry out one request and leave its answer."""
        words = request.read_text().split()
        request.unlink()
        said, status = "", 0
        try:
            told = self.tell(words)
            if told is None:
                self.carry_out(words)
            else:
                said, status = told
        except (UnitError, OSError, KeyError, subprocess.SubprocessError) as error:
            said, status = f"systemctl {' '.join(words)}: {error}\n", 1
        request.with_suffix(".said").write_text(said)
        request.with_suffix(".answer").write_text(str(status))
        request.with_suffix(".answer").rename(request.with_suffix(".status"))

    def reap(self) -> None:
        """Bury the orphans, which come to the first process; our own children are awaited by those who started them."""
        ours = {service.process.pid for service in self.services.values()} | {
            self.nginx.pid if self.nginx else 0
        }
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = entry.read_text().rpartition(")")[2].split()[:2]
                pid = int(entry.parent.name)
                if state == "Z" and parent == "1" and pid not in ours:
                    os.waitpid(pid, os.WNOHANG)

    def serve(self) -> None:
        """Go on until the machine is switched off."""
        looked_at = 0.0
        while True:
            for request in sorted(REQUESTS.glob("*.request")):
                self.answer(request)
            for service in self.services.values():
                service.listen()
            if time.monotonic() - looked_at > 1:
                looked_at = time.monotonic()
                self.reap()
            time.sleep(POLL_S)


def main(folder: str) -> None:
    """Become the machine."""
    command("ip", "link", "set", "lo", "up")
    # Browsers send each other pictures over any network but loopback: here is one, with nobody else in it.
    command("ip", "link", "add", "lan", "type", "veth", "peer", "name", "other")
    command("ip", "address", "add", "192.0.2.10/24", "dev", "lan")
    for end in ("lan", "other"):
        command("ip", "link", "set", end, "up")
    root = Path(folder)
    command("mount", "--bind", folder, folder)
    mount_what_a_machine_has(root)
    enter(root)
    prepare()
    Init().serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
