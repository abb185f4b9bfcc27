"""The command line: ``amphi COMMAND``.

Each service has a ``main(argv) -> int`` of its own, imported only when asked for, so that a gateway starts without Django and
a web server without Playwright. Any other command is Django's.
"""

import importlib
import os
import sys

from amphi.system.environment import InvalidSettingError, refuse_unknown

COMMANDS = {
    "demo": ("amphi.demo.cli", "everything on this machine, to try Amphi"),
    "web": ("amphi.pages.server", "pages, events and webhooks"),
    "worker": ("amphi.worker.main", "starts, watches and stops webinars"),
    "gateway": ("amphi.gateway.cli", "joins a meeting and sends it by RTMP"),
    "origin": ("amphi.origin.cli", "RTMP in, low-latency HLS out"),
    "classroom": ("amphi.classroom.cli", "a sandbox meeting server, for trying without BigBlueButton"),
    "captions": ("amphi.captioning.cli", "captions of lives, recognised by an engine"),
    "check": ("amphi.checkup.cli", "whether the settings make sense and all that they name answers"),
    "backup": ("amphi.backup.cli", "all that can’t be made again, in one file"),
    "restore": ("amphi.backup.restore_cli", "what a backup holds"),
    "upgrade": ("amphi.checkup.upgrade", "what is left to do once a new version is there"),
    "privacy": (
        "amphi.privacy.cli",
        "a person’s copy of their data, its erasure, the sheet for the register",
    ),
    "lti": ("amphi.lti.cli", "the keys that this platform shows learning platforms"),
    "loadtest": ("amphi.loadtest.cli", "thousands of simulated listeners, measured"),
    "import-pod": ("amphi.pod_import.cli", "people, live gateways and coming meetings of an Esup-Pod"),
    "rehearse": ("amphi.rehearsal.cli", "a short webinar with robots, measured"),
}


def usage() -> str:
    lines = [f"  {name:<10} {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return (
        "usage: amphi COMMAND [OPTIONS]\n\n"
        + "\n".join(lines)
        + "\n\nAny other command is Django's: amphi help\n"
    )


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(usage(), end="")
        return 0 if arguments else 2
    name, *rest = arguments
    try:
        refuse_unknown()
        if name in COMMANDS:
            module = importlib.import_module(COMMANDS[name][0])
            return int(module.main(rest))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
        management = importlib.import_module("django.core.management")
        management.execute_from_command_line(["amphi", *arguments])
    except InvalidSettingError as error:
        print(f"amphi {name}: {error}", file=sys.stderr)
        return 2
    return 0
