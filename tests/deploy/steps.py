"""The guide's steps, one after the other, and what is looked at after each."""

import contextlib
import json
import time
from collections.abc import Iterator
from subprocess import Popen
from typing import Any

from tests import nginx
from tests.deploy import guide
from tests.deploy.guide import Block
from tests.deploy.machine import HERE, HOST, Machine

SECRET = "a-secret-shared-with-the-classroom"
NAMES = {
    "SOURCE": "/root/amphi.git",
    "HOST": HOST,
    "BBB_URL": "http://127.0.0.1:8001/bigbluebutton",
    "BBB_SECRET": SECRET,
    "SMTP_HOST": "127.0.0.1",
    "MAIL_FROM": f"amphi@{HOST}",
}
ADMINISTRATOR = {
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_EMAIL": f"admin@{HOST}",
    "DJANGO_SUPERUSER_PASSWORD": "a-password-of-the-test",
}
CLASSROOM = "test-classroom"
CLASSROOM_UNIT = f"""
[Service]
User=nobody
Group=nogroup
Environment=AMPHI_CLASSROOM_SECRET={SECRET} AMPHI_CLASSROOM_HTTP=127.0.0.1:8001
ExecStart=/opt/amphi/.venv/bin/amphi classroom
"""
PYTHON = "/opt/amphi/.venv/bin/python"
SLOW_S = 2400.0
"""An empty machine fetches all that it needs."""
PATIENCE_S = 300.0
LOOK_EVERY_S = 0.5


class Listening:
    """The listeners of the seed, each with its stream open."""

    def __init__(self, steps: "Guide", number: int) -> None:
        self._steps = steps
        event_id = str(steps.seed["event_id"])
        self._process = steps.machine.popen(PYTHON, "/opt/amphi/tests/deploy/listeners.py", HOST, event_id)
        self.open = self._told("OPEN", json.dumps(steps.seed["tickets"][:number]))

    def _told(self, what: str, line: str) -> int:
        """Tell them a line; how many there are."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if answer[:1] != [what]:
            self._process.kill()
            raise AssertionError(self._process.communicate(timeout=PATIENCE_S)[1])
        return int(answer[1])

    def heard(self) -> int:
        """How many hear what is said in the chat; then they all leave."""
        word = f"word-{time.time_ns()}"
        publish = f"from amphi.audience.domain import publish; publish({self._steps.seed['event_id']}, 'word', {{'is': '{word}'}})"
        self._steps.shell(publish)
        heard = self._told("HEARD", word)
        self._process.communicate(timeout=PATIENCE_S)
        return heard


class Guide:
    """The page being followed on a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.page = guide.blocks(guide.PAGE.read_text())
        self.seed: dict[str, Any] = {}
        machine.paste(guide.with_names(self.page[0], NAMES))

    def follow(self, section: str, *, after_first: str = "") -> None:
        """Paste the blocks under a heading.

        Args:
            section: the heading.
            after_first: what the packages that the first block installs would have done where systemd runs.
        """
        for number, block in enumerate(self.section(section)):
            self.machine.paste(_typed(block), timeout_s=SLOW_S, **ADMINISTRATOR)
            if after_first and not number:
                self.machine.run(after_first)

    def section(self, section: str) -> list[Block]:
        """The blocks under a heading."""
        found = [block for block in self.page if block.section == section]
        assert found, f"the guide has no section “{section}” any more"
        return found

    def administrate(self) -> None:
        """What an administrator does in the pages, and a webinar to come."""
        self.seed = json.loads(self.amphi("shell", "-v", "0", given=(HERE / "seed.py").read_text()))

    def amphi(self, *arguments: str, given: str = "") -> str:
        """Run the command `amphi` in a new shell."""
        process = self.machine.popen("amphi", *arguments)
        with process:
            out, error = process.communicate(given, timeout=PATIENCE_S)
        assert process.returncode == 0, f"amphi {' '.join(arguments)}: {out}\n{error}"
        return out

    def shell(self, code: str) -> str:
        """What Python code of the platform prints."""
        return self.amphi("shell", "-v", "0", "-c", code)

    def findings(self) -> dict[str, list[str]]:
        """The lines of `amphi check`, by level; it may fail."""
        process = self.machine.popen("amphi", "check", "--json")
        with process:
            out, error = process.communicate(timeout=PATIENCE_S)
        assert out, error
        found: dict[str, list[str]] = {"OK": [], "WARN": [], "FAIL": []}
        for one in json.loads(out)["findings"]:
            found[one["level"]].append(f"{one['check']} {one['subject']}: {one['sentence']}")
        assert process.returncode == (1 if found["FAIL"] else 0)
        return found

    def listen(self, number: int) -> Listening:
        """Open the event streams of so many of the seed's listeners."""
        return Listening(self, number)

    @contextlib.contextmanager
    def classroom(self) -> Iterator[None]:
        """A meeting server runs in the place of BigBlueButton, which can't be here."""
        self.machine.write(f"/etc/systemd/system/{CLASSROOM}.service", CLASSROOM_UNIT)
        # A gateway enters the rooms of a classroom only where it is told to: BigBlueButton's are what the guide is for.
        # It was started with a browser ready; from here on it keeps none.
        self.machine.run(
            "printf 'AMPHI_GATEWAY_CLASSROOM=1\\nAMPHI_GATEWAY_WARM=0\\n' >>/etc/amphi/gateway.env\n"
            f"systemctl restart amphi-gateway\nsystemctl start {CLASSROOM}"
        )
        self.wait_for(f"{NAMES['BBB_URL'].removesuffix('/bigbluebutton')}/healthz", 200)
        yield
        self.machine.run(f"systemctl stop {CLASSROOM}")

    def rehearse(self, seconds: int) -> Popen[str]:
        """Start a rehearsal, whose robots come through nginx and TLS."""
        # Their Chromium knows no authority but its own; this key, and no other, it is told to take.
        key = self.machine.run(f"openssl x509 -in /etc/letsencrypt/live/{HOST}/cert.pem -pubkey -noout")
        option = f"--ignore-certificate-errors-spki-list={nginx.spki(key.encode())}"
        self.machine.write("/usr/local/bin/chromium", f'#!/bin/sh\nexec /usr/bin/chromium {option} "$@"\n')
        self.machine.run("chmod 755 /usr/local/bin/chromium")
        return self.machine.popen("amphi", "rehearse", "--json", "--seconds", str(seconds))

    def rehearsed(self, rehearsal: Popen[str]) -> None:
        """See that a rehearsal ends well."""
        out, told = rehearsal.communicate(timeout=SLOW_S)
        report = json.loads(out)
        logs = "".join(self.machine.log(f"amphi-{name}") for name in ("web", "worker", "gateway", "origin"))
        assert report["failures"] == [], f"{report}\n{told}\n{logs}"
        assert report["ok"] is True

    def ask_gateway(self, **job: str) -> int:
        """The status that the gateway answers to a job; which is ended at once."""
        token = self.machine.run("sed -n 's/^AMPHI_GATEWAY_TOKEN=//p' /etc/amphi/gateway.env").strip()
        request = {
            "url": "http://127.0.0.1:8002/jobs/asked",
            "headers": {"Authorization": f"Bearer {token}"},
        }
        answer = self.status(
            **request, method="PUT", data=json.dumps(job | {"room": "r", "show_chat": False})
        )
        self.status(**request, method="DELETE")
        return answer

    def status(self, url: str, **more: object) -> int:
        """The status that a client on the machine gets; 0 without an answer."""
        script = (
            "import json, sys, urllib.request as r, urllib.error as e\n"
            "asked = json.loads(sys.argv[1])\n"
            "if 'data' in asked: asked['data'] = asked['data'].encode()\n"
            "try: print(r.urlopen(r.Request(**asked), timeout=10).status)\n"
            "except e.HTTPError as error: print(error.code)\n"
            "except OSError: print(0)\n"
        )
        process = self.machine.popen(PYTHON, "-c", script, json.dumps({"url": url} | more))
        with process:
            out, error = process.communicate(timeout=PATIENCE_S)
        assert out, error
        return int(out)

    def wait_for(self, url: str, status: int) -> None:
        """Wait until an address answers so."""
        deadline = time.monotonic() + PATIENCE_S
        while (seen := self.status(url)) != status:
            assert time.monotonic() < deadline, f"{url} answers {seen}, not {status}"
            time.sleep(LOOK_EVERY_S)  # each look is a process


def _typed(block: Block) -> Block:
    """What a person types into a running command comes from the environment instead."""
    return Block(block.section, block.commands.replace("createsuperuser", "createsuperuser --no-input"))
