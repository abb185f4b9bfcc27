"""Starts programs that end with the gateway, and ends them."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")

END_PATIENCE_S = 2


async def spawn(
    *command: str, environment: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> Process:
    """Start a program without input or output."""
    # setpriv makes the kernel end it when the gateway ends, even after a crash. TERM, so that it removes its locks.
    return await asyncio.create_subprocess_exec(
        *("/usr/bin/setpriv", "--pdeathsig", "TERM", "--"),
        *command,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        env=environment,
        pass_fds=pass_fds,
    )


async def end(process: Process) -> None:
    """End a program; kill it when it does not end by itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_PATIENCE_S):
                await process.wait()
                return


@contextlib.asynccontextmanager
async def ended_on_error(process: Process) -> AsyncIterator[None]:
    """Do something with a program, and end it when that fails."""
    try:
        yield
    except BaseException:
        await end(process)
        raise


async def both(first: Awaitable[First], second: Awaitable[Second]) -> tuple[First, Second]:
    """Do both at the same time. When one fails, its error is raised once the other is done too."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
