"""``amphi demo``: everything on this machine, until Ctrl-C."""

import argparse
import asyncio
import fcntl
import json
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from amphi.demo.database import MIGRATED
from amphi.demo.exceptions import AlreadyRunsError, DemoError
from amphi.demo.keys import ACCOUNTS, Keys, load_or_create, write_private
from amphi.demo.layout import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_RTMP_PORT,
    STREAMS,
    Layout,
    require_free_ports,
)
from amphi.demo.part import Part, kept
from amphi.system import environment as env
from amphi.system.terminal import say

EARLY = ("classroom", "origin", "gateway")
"""Parts that need no database; they start while it is being made."""
LATE = ("web", "worker")
ALIVE = "alive"
"""The webinar on the air, which needs all other parts."""
HIGHEST_BASE_PORT = 65535 - 4


def tell(line: str) -> None:
    """Print one line at once. When nobody reads the output any more, the demo goes on silently."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amphi demo", description="Everything on this machine, to try Amphi."
    )
    parser.add_argument(
        "--host", default=env.text("AMPHI_DEMO_HOST", DEFAULT_HOST), help="interface to listen on"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=env.integer("AMPHI_DEMO_PORT", DEFAULT_PORT, minimum=1),
        help="port of the web part; the next three are for classroom, gateway and origin (default: 8000)",
    )
    parser.add_argument(
        "--rtmp-port",
        type=int,
        default=env.integer("AMPHI_DEMO_RTMP_PORT", 0),
        help="port for RTMP (default: 1935, or --port plus 4 when that was given)",
    )
    parser.add_argument("--url", default=env.text("AMPHI_DEMO_URL"), help="the address that browsers use")
    parser.add_argument(
        "--var",
        type=Path,
        default=env.path("AMPHI_VAR", Path.cwd() / "var"),
        help="folder of all data (default: var)",
    )
    parser.add_argument(
        "--alive",
        action="store_true",
        help="with a webinar on the air, given by a robot before a small crowd",
    )
    return parser


def parse(argv: list[str]) -> Layout:
    """The layout by command line and environment. Invalid options end the process with a message."""
    parser = _parser()
    options = parser.parse_args(argv)
    port = options.port
    if not 0 < port <= HIGHEST_BASE_PORT:
        parser.error(f"--port: must be 1 to {HIGHEST_BASE_PORT}")
    wildcard = options.host in {"0.0.0.0", "::", ""}  # noqa: S104 -- compared, not bound
    if wildcard and not options.url:
        parser.error(f"--host {options.host} needs --url, the address that browsers use")
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = (options.url or f"http://{host}:{port}").rstrip("/")
    if not urlsplit(url).hostname:
        parser.error("--url: must be an address such as http://amphi.example.org:8000")
    rtmp_port = options.rtmp_port or (DEFAULT_RTMP_PORT if port == DEFAULT_PORT else port + 4)
    return Layout(
        host=options.host,
        port=port,
        rtmp_port=rtmp_port,
        url=url,
        var=options.var.resolve(),
        alive=options.alive,
    )


def _lock(var: Path) -> TextIO:
    """Lock the data folder for this process. The kernel releases the lock when the process ends."""
    lock = (var / "demo.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip()
        lock.close()
        raise AlreadyRunsError(
            say(
                en=f"A demo already runs with {var} (process {pid}).",
                fr=f"Une démonstration utilise déjà {var} (processus {pid}).",
            )
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _write_environment(layout: Layout, keys: Keys) -> dict[str, str]:
    """Write the parts' environment to ``demo.env``, for commands that use this demo, such as ``make rehearse``."""
    own = layout.environment(keys)
    lines = [f"{name}={shlex.quote(value)}" for name, value in own.items()]
    write_private(layout.var / "demo.env", "\n".join(lines) + "\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_DEMO_")}
    return {**inherited, **own, "PYTHONUNBUFFERED": "1"}


def _seed_description(layout: Layout, keys: Keys, *, new_passwords: bool) -> str:
    titles = dict(zip(STREAMS, ("Amphi A", "Amphi B"), strict=True))
    return json.dumps(
        {
            "passwords": keys.passwords,
            "new_passwords": new_passwords,
            "gateway_url": layout.gateway,
            "gateway_token": keys.gateway_token,
            "streams": [
                {
                    "name": name,
                    "title": title,
                    "hls_url": layout.hls_url(name),
                    "rtmp_url": layout.rtmp_url(name, keys.stream_keys[name]),
                }
                for name, title in titles.items()
            ],
        }
    )


class Demo:
    """All parts of one demo, from start to stop."""

    def __init__(self, layout: Layout, keys: Keys, environment: dict[str, str], seed: str) -> None:
        self.layout = layout
        self.keys = keys
        self.environment = environment
        self.seed = seed
        self.stopped = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        logs = layout.var / "log"
        logs.mkdir(exist_ok=True)
        self.parts: dict[str, Part] = {}
        for name in (*EARLY, *LATE):
            file = logs / f"{name}.log"
            file.write_bytes(b"")
            self.parts[name] = Part(name, layout.health(name), file, environment, tell)
        self.alive = self._alive_part(logs) if layout.alive else None

    def _alive_part(self, logs: Path) -> Part:
        file = logs / f"{ALIVE}.log"
        file.write_bytes(b"")
        sign = self.layout.var / ALIVE
        return Part(ALIVE, None, file, self.environment, tell, module="amphi.demo.alive", sign=sign)

    async def run(self) -> int:
        """Start everything, say when it is ready, and stop it on request."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopped.set)
        start = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self.stopped.wait())
        await asyncio.wait({start, stopped}, return_when=asyncio.FIRST_COMPLETED)
        status = start.result() if start.done() else 0
        if status == 0:
            await stopped
        tell(say(en="Stopping …", fr="Arrêt…"))
        start.cancel()
        for part in (*self.parts.values(), *([self.alive] if self.alive else [])):
            part.stopping.set()
        await asyncio.gather(start, *self.tasks, return_exceptions=True)
        return status

    def _launch(self, names: tuple[str, ...]) -> None:
        self.tasks += [asyncio.create_task(self.parts[name].run()) for name in names]

    async def _start(self) -> int:
        began = time.monotonic()
        self._launch(EARLY)
        if await self._seed() != 0:
            tell(
                say(
                    en="The database could not be made ready.",
                    fr="La base de données n’a pas pu être préparée.",
                )
            )
            return 1
        for part in self.parts.values():
            await part.ready.wait()
        tell(self._welcome(time.monotonic() - began))
        if self.alive is not None:
            self.tasks += [
                asyncio.create_task(self.alive.run()),
                asyncio.create_task(self._on_the_air(self.alive)),
            ]
        return 0

    async def _on_the_air(self, alive: Part) -> None:
        """Say where the webinar on the air is, once listeners see it."""
        await alive.ready.wait()
        address = (self.layout.var / ALIVE).read_text(encoding="utf-8")
        tell(
            say(
                en=f"\nOn the air:  {address}\n    camille presents; watch, write and vote as lea or hugo, or without an account.",
                fr=f"\nÀ l’antenne\u202f:  {address}\n    camille présente\u202f; regardez, écrivez et votez avec lea ou hugo, ou sans compte.",
            )
        )

    async def _seed(self) -> int:
        """Prepare the database. Web and worker start as soon as its tables exist."""
        seed = await asyncio.create_subprocess_exec(
            *kept("-m", "amphi.demo.database"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**self.environment, "AMPHI_DEMO_SEED": self.seed},
            start_new_session=True,
        )
        assert seed.stdout is not None  # noqa: S101 -- asked for above
        try:
            if await seed.stdout.readline() == MIGRATED.encode():
                tell(say(en="database   ready", fr="données    prêtes"))
                self._launch(LATE)
            return await seed.wait()
        finally:
            if seed.returncode is None:
                seed.send_signal(signal.SIGTERM)
                await seed.wait()

    def _welcome(self, took_s: float) -> str:
        roles = {
            "camille": say(en="presenter", fr="présentatrice"),
            "lea": say(en="listener", fr="auditrice"),
            "hugo": say(en="listener", fr="auditeur"),
            "admin": say(en="administrator", fr="administration"),
        }
        rows = [f"    {roles[name]:<16}{name:<12}{self.keys.passwords[name]}" for name in ACCOUNTS]
        return "\n".join(
            [
                "",
                say(
                    en=f"Amphi is ready, in {took_s:.1f} s:  {self.layout.url}",
                    fr=f"Amphi est prêt, en {took_s:.1f} s\u202f:  {self.layout.url}",
                ),
                "",
                "    "
                + say(
                    en="account         name        password", fr="compte          identifiant mot de passe"
                ),
                *rows,
                "",
                say(
                    en=f"Logs: {self.layout.var / 'log'}    Ctrl-C stops everything.",
                    fr=f"Journaux\u202f: {self.layout.var / 'log'}    Ctrl-C arrête tout.",
                ),
            ]
        )


def main(argv: list[str]) -> int:
    """Run the demo until it is told to stop."""
    layout = parse(argv)
    # The demo's files contain sessions and tokens, so only their owner may read them.
    os.umask(0o077)
    layout.var.mkdir(parents=True, exist_ok=True)
    layout.var.chmod(0o700)
    try:
        with _lock(layout.var):
            require_free_ports(layout)
            secrets = layout.var / "secrets.json"
            is_new = not secrets.exists()
            keys = load_or_create(secrets, streams=STREAMS, usernames=ACCOUNTS)
            seed = _seed_description(layout, keys, new_passwords=is_new)
            environment = _write_environment(layout, keys)

            async def run() -> int:
                return await Demo(layout, keys, environment, seed).run()

            return asyncio.run(run())
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
