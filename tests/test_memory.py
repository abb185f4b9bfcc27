"""A process that gets no more memory ends, and waits for nothing."""

import os
import subprocess
import sys
from concurrent.futures import Future

import pytest

from amphi.system import memory
from amphi.worker import main

PATIENCE_S = 60
LAST_THREADS = """
import resource, threading
from amphi.system import memory

memory.end_without()
for _ in range(2):  # what such a thread leaves, the next one takes: its stack, but not all that it needs
    thread = threading.Thread(target=len, args=[()])
    thread.start()
    thread.join()
pages = int(open("/proc/self/statm").read().split()[0])
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))
while True:
    try:
        threading.Thread(target=len, args=[()]).start()
    except RuntimeError:  # there was not even a stack: Python tells of that
        pass
"""
FIRST_THREAD = """
import threading
from amphi.system import memory

memory.end_without()
threading.Thread(target=threading.Event().wait).start()
raise MemoryError
"""
LOOP = """
import asyncio
from amphi.system import memory

async def serve():
    memory.end_loop_without(asyncio.get_running_loop())
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.Event().wait()

def fail():
    raise MemoryError

asyncio.run(serve())
"""
ANOTHER_ERROR = """
from amphi.system import memory

class Careless:
    def __del__(self):
        raise ValueError("nobody hears this")

memory.end_without()
Careless()
raise KeyError("an end as usual")
"""


def _run(program: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )
    return done.returncode, done.stderr


@pytest.mark.integration
@pytest.mark.parametrize(
    "program", [LAST_THREADS, FIRST_THREAD, LOOP], ids=["last threads", "first thread", "loop"]
)
def test_process_ends_for_want_of_memory(program):
    assert _run(program) == (os.EX_OSERR, memory.SAID.decode())


@pytest.mark.integration
def test_other_errors_are_told_as_ever():
    status, said = _run(ANOTHER_ERROR)
    assert status == 1
    assert "nobody hears this" in said
    assert "an end as usual" in said
    assert memory.SAID.decode() not in said


def test_worker_ends_when_its_work_gets_no_memory(monkeypatch):
    ended = []
    monkeypatch.setattr(memory, "end", lambda: ended.append(True))
    lane = main.Lane("test", 1, claim=lambda _free: [], do=lambda _work: None)
    for error in (None, ValueError(), MemoryError()):
        work: Future[None] = Future()
        work.set_exception(error) if error else work.set_result(None)
        lane._done(work)
        assert bool(ended) == isinstance(error, MemoryError)
