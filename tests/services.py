"""The platform's own processes, started as an operator starts them."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

TOP = Path(__file__).parents[1]
WITHOUT = TOP / "tests" / "without"
"""Stands before what is only here for our checks, and which httpx would load in each process."""
NODE = str(Path(importlib.util.find_spec("playwright").origin).with_name("driver") / "node")
"""The Node.js that Playwright brings: the same one on every machine."""
PATIENCE_S = 180.0
Environment = dict[str, str]
DATABASE = "amphi.sqlite3"
shared_folder = Path()
"""Where tests that run at once keep what is made once for all of them; set when they begin."""


def environment(folder: Path, **variables: str) -> Environment:
    """What a process of the platform finds: nothing of this shell's settings, a database of its own in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join([str(WITHOUT), str(TOP / "src"), str(TOP)]),
        "DJANGO_SETTINGS_MODULE": "amphi.settings",
        "AMPHI_SETTINGS": str(folder / "none.py"),
        "AMPHI_VAR": str(folder),
        "AMPHI_SECRET_KEY": "for-this-test-alone-" + "x" * 40,
        **variables,
    }


def python(env: Environment, *arguments: str) -> str:
    """Run Python to its end, and give what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=env,
        cwd=TOP,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def migrate(env: Environment) -> None:
    """Make the tables of the SQLite database that a process with `env` uses: by a copy of one that was made once."""
    empty = shared_folder / "empty"
    with (shared_folder / "sqlite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not empty.exists():
            empty.mkdir()
            python({**env, "AMPHI_VAR": str(empty)}, "-m", "amphi", "migrate", "-v", "0")
    shutil.copy(empty / DATABASE, Path(env["AMPHI_VAR"]) / DATABASE)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310 -- an address of a test's own
            return True
    except HTTPError:
        return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def start(stack: ExitStack, env: Environment, folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """Run ``amphi COMMAND`` until the stack is left; what it says goes to ``COMMAND.log`` in `folder`."""
    output = stack.enter_context((folder / f"{command[0]}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", *command], env=env, cwd=TOP, stdout=output, stderr=output
    )

    def stop() -> None:
        process.terminate()
        process.wait(PATIENCE_S)

    stack.callback(stop)
    return process


def serve(
    stack: ExitStack, env: Environment, folder: Path, *command: str, answers: str
) -> subprocess.Popen[bytes]:
    """Run ``amphi COMMAND`` until the stack is left; given once `answers`, an address of it, does."""
    process = start(stack, env, folder, *command)
    log = folder / f"{command[0]}.log"
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(answers):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return process
