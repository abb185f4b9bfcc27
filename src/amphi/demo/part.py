"""One part of the demo as a process: starts it, watches it, restarts it when it dies, and stops it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from amphi.system.terminal import say

BACKOFF_S = (0.2, 0.5, 1, 2, 5, 10, 30)
STEADY_S = 5
"""A part that ran this many seconds restarts after the first pause, which is that of the units in ``deploy/systemd``."""
POLL_S = 0.1
SLOW_S = 30
"""After this many seconds without an answer, a message says where to look."""
SETTLED_S = 1.0
"""A part without an address counts as ready after this many seconds."""


def kept(*arguments: str) -> list[str]:
    """The command line that runs Python with `arguments` under a keeper (see `child`)."""
    return [sys.executable, "-m", "amphi.demo.child", str(os.getpid()), sys.executable, *arguments]


@dataclass
class Part:
    """One service of the demo.

    Attributes:
        name: the command, ``amphi <name>``.
        health_url: answers 200 once the part is ready; None when it does not listen.
        log_file: receives its standard output and error.
        environment: its complete environment.
        tell: prints a line for the person at the terminal.
        module: what Python runs, with the name or else the sign as argument.
        sign: the file that the part writes once it is ready, if it does.
        stopping: set this to stop the part; `run` returns once all its processes are gone.
    """

    name: str
    health_url: str | None
    log_file: Path
    environment: dict[str, str]
    tell: Callable[[str], None]
    module: str = "amphi"
    sign: Path | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def _start(self) -> asyncio.subprocess.Process:
        if self.sign is not None:
            self.sign.unlink(missing_ok=True)
        with self.log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *kept("-m", self.module, str(self.sign or self.name)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                # So that Ctrl-C reaches only the demo, which then stops its parts in order.
                start_new_session=True,
            )

    async def run(self) -> None:
        """Keep the part running until `stopping` is set."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self.stopping.is_set():
            started = loop.time()
            process = await self._start()
            watch = asyncio.create_task(self._announce())
            status = await self._ended(process)
            watch.cancel()
            self.ready.clear()
            if self.stopping.is_set():
                return
            failures = 0 if loop.time() - started > STEADY_S else failures + 1
            pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self.tell(self._death(status))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        """Wait until the part ends, by itself or because `stopping` is set."""
        end = asyncio.create_task(process.wait())
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({end, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not end.done():
            process.send_signal(signal.SIGTERM)
        return await end

    def _death(self, status: int) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f"\n    {lines[-1]}" if lines else ""
        return say(
            en=f"{self.name} stopped by itself (status {status}); it is started again. See {self.log_file}{last}",
            fr=f"{self.name} s’est arrêté (code {status})\u202f; il est relancé. Voir {self.log_file}{last}",
        )

    async def _announce(self) -> None:
        """Wait until the part answers, and print that."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        told_slow = False
        while not await self._answers(loop.time() - started):
            if not told_slow and loop.time() - started > SLOW_S:
                told_slow = True
                self.tell(
                    say(
                        en=f"{self.name} does not answer yet. See {self.log_file}",
                        fr=f"{self.name} ne répond pas encore. Voir {self.log_file}",
                    )
                )
            await asyncio.sleep(POLL_S)
        self.ready.set()
        self.tell(
            say(
                en=f"{self.name:<10} ready   ({loop.time() - started:.1f} s)",
                fr=f"{self.name:<10} prêt    ({loop.time() - started:.1f} s)",
            )
        )

    async def _answers(self, age_s: float) -> bool:
        if self.sign is not None:
            return self.sign.exists()
        if self.health_url is None:
            return age_s > SETTLED_S
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(self.health_url)).is_success
        except httpx.HTTPError:
            return False
