"""``amphi gateway check JOIN_URL``: joins one meeting without streaming it, and reports in plain words what it found."""

import argparse
import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from amphi.gateway import client_versions, fonts
from amphi.gateway.addresses import checked_join_url
from amphi.gateway.browsers import BrowserReserve
from amphi.gateway.entry import EntryDeadline
from amphi.gateway.exceptions import CaptureFailedError, InvalidRequestError, SourceLostError

if TYPE_CHECKING:
    from amphi.gateway.config import Config
    from amphi.gateway.meeting_page import Observation, Report
    from amphi.gateway.source import ChromiumSource

LOOK_EVERY_S = 0.25
WATCHED_S = 3
"""How long to watch a meeting after joining: errors that come at once come within this time."""

ADVICE = {
    "meeting_not_found": "Start the meeting, then make a new join address.",
    "meeting_full": "The meeting has as many participants as it may: let one go, or raise its limit.",
    "session_expired": "A join address holds for some minutes, and its session for one visit: make a new one.",
    "waiting_for_approval": "Let “streaming” in, in the meeting.",
    "no_sound": "Join it once as a listener in a browser: is “listen only” offered there?",
    "client_error": "Open the address in a browser: it shows the same error.",
    "disconnected": "The connection to BigBlueButton breaks: look at the network and its reverse proxy (WebSockets).",
}
NAME_ADVICE = (
    "This version of BigBlueButton's client has changed. Report it with this output; the rest may still work."
)

NEW_ADVICE = "It may work all the same: the lines below tell. Try a whole webinar before one that counts."


@dataclass
class Findings:
    """The findings, written at once, in the format of ``amphi check``.

    Attributes:
        output: where they are written.
        is_good: no finding is an error.
    """

    output: TextIO = field(default_factory=lambda: sys.stdout)
    is_good: bool = True

    def tell(self, level: str, topic: str, words: str, advice: str = "") -> None:
        self.is_good = self.is_good and level != "ERROR"
        said = words if words.endswith((".", "…", "?")) else f"{words}."
        print(f"{level:<5} {topic}: {said}{' ' if advice else ''}{advice}", file=self.output, flush=True)


async def enter(source: "ChromiumSource", config: "Config", findings: Findings) -> "Observation | None":
    """Join the meeting; None when that fails."""
    deadline, steps = EntryDeadline(config.join_timeout_s), [""]
    while True:
        seen = await source.observe("streaming")
        if seen.state in {"joined", "reconnecting"}:
            return seen
        if seen.state != "joining":
            findings.tell("ERROR", "entry", seen.detail or seen.state, ADVICE.get(seen.reason, ""))
            return None
        if seen.kind and seen.detail and seen.detail != steps[-1]:
            steps.append(seen.detail)
            findings.tell("...", "entry", seen.detail, ADVICE.get(seen.reason, ""))
        if why := deadline.overdue(seen):
            findings.tell(
                "ERROR", "entry", why, "Open the address in a browser: does it lead into the meeting?"
            )
            return None
        await asyncio.sleep(LOOK_EVERY_S)


def tell_fonts(missing: list[str], findings: Findings) -> None:
    if missing:
        words = f"none for {', '.join(missing)}: they are boxes in the picture"
        findings.tell("WARN", "fonts", words, f"On the gateway’s machine: {fonts.PACKAGES}")
    else:
        findings.tell("OK", "fonts", f"{', '.join(fonts.SAMPLES)} can be drawn")


def tell_client(report: "Report", kind: str, findings: Findings) -> None:
    """Report the meeting's client, and which of the page's names that the gateway depends on are there."""
    if kind != "bigbluebutton":
        findings.tell("OK", "client", f"the page is of the kind “{kind}”")
        return
    version = report.version or "of a version that it does not tell"
    if client_versions.is_known(report):
        findings.tell("OK", "client", f"BigBlueButton {version}")
    else:
        findings.tell(
            "WARN", "client", f"BigBlueButton {version}, which this gateway does not know", NEW_ADVICE
        )
    for name in report.missing:
        findings.tell("WARN", "client", f"not found: {name}", NAME_ADVICE)
    if not report.missing:
        findings.tell("OK", "client", f"all {len(report.found)} names that the gateway rests on are there")


def tell_sound(seen: "Observation", findings: Findings) -> None:
    if seen.reason == "no_sound":
        findings.tell("WARN", "sound", seen.detail, ADVICE["no_sound"])
    else:
        findings.tell("OK", "sound", "the meeting is heard")


async def tell_chat(source: "ChromiumSource", findings: Findings) -> None:
    """Check that the chat can be shown and hidden. Only the bot's own view changes."""
    was_shown = await source.show_chat(shown=None)
    is_shown = await source.show_chat(shown=True)
    is_hidden = not await source.show_chat(shown=False)
    if was_shown:
        await source.show_chat(shown=True)
    if is_shown and is_hidden:
        findings.tell("OK", "chat", "it can be shown and hidden")
    else:
        cant = "shown" if not is_shown else "hidden"
        findings.tell(
            "WARN", "chat", f"it can't be {cant}", "Is the chat disabled or locked in this meeting?"
        )


async def watch(source: "ChromiumSource", findings: Findings) -> None:
    """Check that the bot stays in the meeting for `WATCHED_S`."""
    end, seen = time.monotonic() + WATCHED_S, await source.observe("streaming")
    while time.monotonic() < end and seen.state == "joined":
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await source.observe("streaming")
    if seen.state == "joined":
        findings.tell(
            "OK", "connection", f"it held for {WATCHED_S} s. A webinar can be sent from this meeting"
        )
    else:
        findings.tell("ERROR", "connection", seen.detail or seen.state, ADVICE.get(seen.reason, ""))


async def check(join_url: str, config: "Config", findings: Findings) -> None:
    """Join `join_url`, report what is found, and leave."""
    browsers = BrowserReserve(config)
    try:
        source = await browsers.take()
        findings.tell("OK", "browser", "it starts, and can be filmed and heard")
        try:
            tell_fonts(await source.missing_scripts(), findings)
            await visit(source, join_url, config, findings)
        finally:
            await browsers.discard(source)
    except (SourceLostError, CaptureFailedError) as error:
        findings.tell("ERROR", "browser", str(error))
    finally:
        await browsers.close()


async def visit(source: "ChromiumSource", join_url: str, config: "Config", findings: Findings) -> None:
    begun = time.monotonic()
    await source.join(join_url)
    seen = await enter(source, config, findings)
    if seen is None:
        return
    findings.tell("OK", "entry", f"in the meeting after {time.monotonic() - begun:.1f} s")
    tell_client(await source.report(), seen.kind, findings)
    tell_sound(seen, findings)
    await tell_chat(source, findings)
    await watch(source, findings)


def main(argv: list[str], config: "Config") -> int:
    """Run the check. Returns 0 when that meeting can be streamed, 1 when not, 2 for an invalid address."""
    parser = argparse.ArgumentParser(
        prog="amphi gateway check",
        description="Joins a meeting as the streaming bot, sends nothing, and says what works there.",
    )
    parser.add_argument("join_url", help="the address by which the bot would join; it is in no log")
    join_url = parser.parse_args(argv).join_url
    try:
        checked_join_url(join_url, config.join_hosts)
    except InvalidRequestError as error:
        sys.stderr.write(f"amphi gateway check: {error}\n")
        return 2
    findings = Findings()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(check(join_url, config, findings))
        return 0 if findings.is_good else 1
    return 130
