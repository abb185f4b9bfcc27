"""Runs one part of the demo, and makes sure that its processes end with it, with this keeper and with the demo.

    python -m amphi.demo.child DEMO_PID COMMAND...

The kernel signals the keeper when the demo dies in any way (``PR_SET_PDEATHSIG``). The keeper adopts every process that the part
leaves behind (``PR_SET_CHILD_SUBREAPER``), since browsers use process groups of their own, and ends them all when the part ends. It
forwards SIGTERM to the part, which has `GRACE_S` to stop by itself.
"""

import ctypes
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import psutil

GRACE_S = 1.5
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _become(command: list[str], keeper: int) -> NoReturn:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)  # noqa: S606 -- this process becomes the part; a shell is not wanted


def _start(command: list[str]) -> int:
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(command, keeper)
    return pid


def _kill_descendants() -> None:
    """Kill all descendants of this process, also those that appear meanwhile."""
    while children := psutil.Process().children(recursive=True):
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(children, timeout=1)


def keep(command: list[str]) -> int:
    """Run `command` until it ends or this process is told to stop.

    Returns:
        The command's exit status, or 128 + the signal's number if a signal ended it.
    """
    pid = _start(command)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        os.kill(pid, signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)

    def kill(_signal: int, _frame: FrameType | None) -> None:
        os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    for number in STOPPING:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    _, raw = os.waitpid(pid, 0)
    # From now on the part's process id may belong to another process, so it must not be signalled.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPPING, signal.SIGALRM})
    status = os.waitstatus_to_exitcode(raw)
    _kill_descendants()
    return status if status >= 0 else 128 - status


def main(argv: list[str]) -> int:
    """Keep the command of `argv`, whose first word is the process id of the demo."""
    # Signals wait until there is a part to stop.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(argv[0]):
        return 1
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    return keep(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
