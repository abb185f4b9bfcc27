"""A process that gets no more memory ends, so that its service manager starts it anew.

Python's ``Thread.start`` waits for ever for a thread that dies of `MemoryError` before it has begun (CPython issue 140746), and whoever
started it holds locks meanwhile: the one of all thread pools, or its own. So nothing would be right again when there is memory again.
"""

import atexit
import os
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from sys import UnraisableHookArgs
    from types import TracebackType

LAST_WORDS_S = 5.0
SAID = b"no more memory: this process ends, to be started anew\n"


def end() -> NoReturn:
    """End this process at once: no thread of it is waited for, since it may wait for memory for ever."""
    os.write(2, SAID)
    os._exit(os.EX_OSERR)


def end_without() -> None:
    """From now on this process ends when its first thread dies for want of memory, or when another could not begin.

    Such a thread can run no Python, not even a hook. It can put what it dies of into a queue that is written in C, for a thread that has
    begun before. Threads do not outlive a fork: call this in the process that serves.
    """
    dying: SimpleQueue[UnraisableHookArgs | None] = SimpleQueue()
    mourner = threading.Thread(target=_mourn, args=[dying], name="memory", daemon=True)
    mourner.start()
    sys.unraisablehook = dying.put
    # Before Python ends: a thread that still writes then has it abort, and what it has not written yet is lost.
    atexit.register(_end_mourning, dying, mourner)
    sys.excepthook = _last


def end_loop_without(loop: "AbstractEventLoop") -> None:
    """From now on this process ends when something in its event `loop` got no memory: it may listen to nobody any more, and run on."""
    loop.set_exception_handler(_in_loop)


def _in_loop(loop: "AbstractEventLoop", context: dict[str, Any]) -> None:
    if isinstance(context.get("exception"), MemoryError):
        end()
    loop.default_exception_handler(context)


def _end_mourning(dying: "SimpleQueue[UnraisableHookArgs | None]", mourner: threading.Thread) -> None:
    sys.unraisablehook = sys.__unraisablehook__
    dying.put(None)
    mourner.join(LAST_WORDS_S)


def _mourn(dying: "SimpleQueue[UnraisableHookArgs | None]") -> None:
    while (unraisable := dying.get()) is not None:
        if issubclass(unraisable.exc_type, MemoryError):
            end()
        sys.__unraisablehook__(unraisable)
        del unraisable


def _last(kind: type[BaseException], error: BaseException, traceback: "TracebackType | None") -> None:
    if issubclass(kind, MemoryError):
        end()
    sys.__excepthook__(kind, error, traceback)
