"""The keeper of a part: nothing outlives it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

# A part that starts a process in a session of its own, as browsers do, and lets go of it.
LEAVES_A_PROCESS = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
file = pathlib.Path(sys.argv[1])
file.with_suffix(".new").write_text(str(child.pid))
file.with_suffix(".new").rename(file)
"""
WAITS = "time.sleep(600)"
# Only once the test has found the process, which is gone in a moment.
LEAVES_WHEN_SEEN = """
while not file.with_suffix(".seen").exists():
    time.sleep(0.01)
sys.exit(3)
"""
IS_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def keep(code: str, file: Path, parent: int | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "amphi.demo.child", str(parent or os.getpid())]
    return subprocess.Popen([*command, sys.executable, "-c", code, str(file)])


def left_process(file: Path) -> psutil.Process:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return psutil.Process(int(file.read_text()))


def is_gone(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(60)
    return not process.is_running()


def test_what_the_part_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    keeper = keep(LEAVES_A_PROCESS + LEAVES_WHEN_SEEN, tmp_path / "pid")
    left = left_process(tmp_path / "pid")
    (tmp_path / "pid.seen").touch()
    assert keeper.wait(60) == 3
    assert is_gone(left)


def test_sigterm_ends_the_part_and_what_it_started(tmp_path: Path) -> None:
    keeper = keep(LEAVES_A_PROCESS + WAITS, tmp_path / "pid")
    left = left_process(tmp_path / "pid")
    keeper.terminate()
    assert keeper.wait(60) == 128 + signal.SIGTERM
    assert is_gone(left)


def test_a_part_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    keeper = keep(LEAVES_A_PROCESS + IS_DEAF, tmp_path / "pid")
    left = left_process(tmp_path / "pid")
    keeper.terminate()
    assert keeper.wait(60) == 128 + signal.SIGKILL
    assert is_gone(left)


def test_the_demo_that_dies_takes_everything_along(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        f"inner = {LEAVES_A_PROCESS + WAITS!r}\n"
        "subprocess.Popen([sys.executable, '-m', 'amphi.demo.child', str(os.getpid()), sys.executable, '-c', inner, sys.argv[1]])\n"
        "time.sleep(600)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "pid")])
    left = left_process(tmp_path / "pid")
    everything = psutil.Process(demo.pid).children(recursive=True)
    demo.kill()
    demo.wait()
    assert all(is_gone(process) for process in (left, *everything))


def test_a_keeper_whose_demo_is_gone_starts_nothing(tmp_path: Path) -> None:
    keeper = keep(LEAVES_A_PROCESS, tmp_path / "pid", parent=1 if os.getpid() != 1 else 2)
    assert keeper.wait(60) == 1
    assert not (tmp_path / "pid").exists()
