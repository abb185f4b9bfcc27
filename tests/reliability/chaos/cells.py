"""The cells of the table: a fault, what must be told of it, and how soon. `measure` injects one and looks."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from amphi.audience.models import Message
from amphi.webinars.models import State
from tests.reliability.chaos import faults, surroundings
from tests.reliability.chaos.faults import Fault
from tests.reliability.chaos.scene import Scene
from tests.reliability.chaos.surroundings import Around
from tests.reliability.chaos.watching import Seen, Watch
from tests.reliability.demo_webinar import DemoWebinar, wait_until

TOLD_WITHIN_S = 10.0
RIGHT_WITHIN_S = 60.0
FROZEN_S = 60.0
PARTED_S = 25.0
CLOCKS = ("web", "worker", "gateway", "origin", "classroom")
Telling = Callable[[Seen], str]
"""What is told by now, in words for the table; empty while nothing true is."""


@dataclass(frozen=True)
class Chaos:
    """One cell.

    Attributes:
        name: what is wrong, as the table says it.
        fault: brings it about.
        told: whether the truth is told, and how.
        lasts_s: how long it lasts.
        within_s: within what time it must be told.
        stays: whether it does not end: all is right while it lasts.
        around: what is otherwise than usual before it, meanwhile and after.
        listener: the account that listens and writes.
    """

    name: str
    fault: Fault
    told: Telling
    lasts_s: float = PARTED_S
    within_s: float = TOLD_WITHIN_S
    stays: bool = False
    around: Around = surroundings.usual
    listener: str = "lea"


@dataclass(frozen=True)
class Measured:
    """What came of it; the fields are the table's columns.

    Attributes:
        told_s: None where the truth was not told while the fault lasted.
        right_s: from the end of the fault; None where it did not come right by itself.
        lost: messages that were accepted and were then missing, doubled, or not taken into the meeting.
    """

    name: str
    lasts_s: float
    told: str
    told_s: float | None
    right_s: float | None
    lost: int
    said: int


def _panel(*words: str) -> Telling:
    """The presenter's panel has these words."""

    def told(seen: Seen) -> str:
        text = f"{seen.panel.get('state', '')}: {seen.panel.get('error') or seen.panel.get('sentence', '')}"
        return f"panel: {text}" if seen.panel and any(word in text for word in words) else ""

    return told


def _media(seen: Seen, *, still: bool = True) -> bool:
    return (time.monotonic() - seen.moved_at < 5) == still


def _no_page(seen: Seen) -> str:
    """The web part itself is away: what stands before it says so, and the stream is silent; pictures go on."""
    status = seen.health.get("web", "")
    return f"`/healthz` of web: {status}; pictures go on" if status != "200" and _media(seen) else ""


def _health(part: str) -> Telling:
    def told(seen: Seen) -> str:
        status = seen.health.get(part, "")
        return f"`/healthz` of {part}: {status}" if status and status != "200" else ""

    return told


def _goes_on(seen: Seen) -> str:
    """Nothing that people see is wrong."""
    return (
        "nobody notices: live, pictures and pages go on"
        if seen.panel.get("state") == "live" and _media(seen)
        else ""
    )


def _away(seen: Seen) -> str:
    """Listeners are told, and the presenter."""
    panel = seen.panel.get("state", "")
    if seen.state == "interrupted" or panel == "recovering":
        return f"listeners: {seen.state}; panel: {panel}: {seen.panel.get('error') or seen.panel.get('sentence')}"
    return ""


def _no_database(seen: Seen) -> str:
    """Who waits for a page is told, and so is who watches over the platform; pictures go on."""
    status = seen.health.get("web", "")
    return (
        f"`/healthz` of web: {status}; page: {seen.panel_status}; pictures go on"
        if status == "503" and _media(seen)
        else ""
    )


def _no_meeting_server(seen: Seen) -> str:
    notes = " ".join(note["text"] for note in seen.panel.get("notes", []) if note["text"])
    return (
        f"live goes on; panel: {notes}"
        if "meeting server does not accept" in notes and _goes_on(seen)
        else ""
    )


ALL = [
    Chaos("web stands still", faults.frozen("web"), _no_page, FROZEN_S),
    Chaos("worker stands still", faults.frozen("worker"), _goes_on, FROZEN_S),
    Chaos("gateway stands still", faults.frozen("gateway"), _away, FROZEN_S),
    Chaos("origin stands still", faults.frozen("origin"), _away, FROZEN_S),
    Chaos("PostgreSQL stands still", faults.frozen("postgresql"), _no_database, FROZEN_S),
    Chaos(
        "the gateway’s Chromium stands still",
        faults.frozen("chromium"),
        _panel("lost the meeting’s page"),
        FROZEN_S,
        within_s=15,
    ),
    Chaos(
        "the gateway’s ffmpeg stands still: a publisher that stalls", faults.frozen("ffmpeg"), _away, FROZEN_S
    ),
    Chaos("no packet between web and PostgreSQL", faults.parted("web", "postgresql"), _no_database),
    Chaos("no packet between worker and PostgreSQL", faults.parted("worker", "postgresql"), _goes_on),
    Chaos("no packet between PostgreSQL and all", faults.database_parted, _no_database),
    Chaos("no packet between worker and gateway", faults.parted("worker", "gateway"), _goes_on),
    Chaos(
        "no packet between worker and BigBlueButton",
        faults.parted("worker", "classroom"),
        _no_meeting_server,
        within_s=20,
    ),
    Chaos("no packet between worker and origin", faults.parted("worker", "origin"), _away),
    Chaos("no packet between gateway and origin", faults.parted("gateway", "rtmp"), _away),
    Chaos(
        "no packet between gateway and BigBlueButton",
        faults.parted("gateway", "classroom"),
        _panel("lost the meeting server"),
        within_s=15,
    ),
    Chaos("no packet between origin and web", faults.parted("origin", "web"), _goes_on),
    Chaos("no packet between BigBlueButton and web", faults.parted("classroom", "web"), _goes_on),
    Chaos("PostgreSQL restarted", faults.database_restarted, _goes_on, 10),
    Chaos("PostgreSQL read-only", faults.database_read_only, _no_database),
    Chaos(
        "no name is found: the worker knows gateway and origin by theirs", faults.no_names, _away, within_s=15
    ),
    Chaos(
        "BigBlueButton answers after 29 s",
        faults.slow("worker", "classroom", 29),
        _no_meeting_server,
        within_s=20,
    ),
    Chaos("a gateway that says that it is on air, and sends nothing", faults.liar, _away),
    Chaos("disk full at origin, web, worker and gateway", faults.disk_full, _goes_on),
    Chaos("web can open no file and no connection more", faults.out_of_files("web"), _no_page),
    Chaos("worker can open no file and no connection more", faults.out_of_files("worker"), _goes_on),
    Chaos("gateway can open no file and no connection more", faults.out_of_files("gateway"), _goes_on),
    Chaos("origin can open no file and no connection more", faults.out_of_files("origin"), _health("origin")),
    Chaos("web gets no more memory", faults.out_of_memory("web"), _goes_on),
    Chaos("worker gets no more memory", faults.out_of_memory("worker"), _goes_on),
    Chaos("gateway gets no more memory", faults.out_of_memory("gateway"), _goes_on),
    Chaos("origin gets no more memory", faults.out_of_memory("origin"), _goes_on),
    Chaos("certificate of the gateway expired", faults.gateway_certificate_expired, _goes_on),
    Chaos("certificate of the live server expired", faults.origin_certificate_expired, _away),
    Chaos(
        "certificate of BigBlueButton expired",
        faults.front_certificate_expired,
        _no_meeting_server,
        within_s=20,
        around=surroundings.meeting_server_by_tls,
    ),
    Chaos(
        "certificate of BigBlueButton expired, and the gateway’s Chromium crashed",
        faults.front_certificate_expired_and_page_lost,
        _away,
        around=surroundings.meeting_server_by_tls,
    ),
    Chaos(
        "certificate expired of a live server that is published to by `rtmps`",
        faults.front_certificate_expired,
        _panel("The live server refused the picture"),
        around=surroundings.published_by_tls,
    ),
    Chaos(
        "clocks of all set back by 5 min",
        faults.clock(-300, *CLOCKS),
        _goes_on,
        10,
        stays=True,
        # The other one wrote nearly as much as one may at the time that it is now once more.
        listener="hugo",
    ),
    Chaos("clocks of all set ahead by 5 min", faults.clock(0, *CLOCKS), _goes_on, 10, stays=True),
    Chaos("clock of web ahead by 5 min", faults.clock(300, "web"), _goes_on, 10, stays=True),
    Chaos(
        "clock of web right again, of worker ahead by 5 min",
        faults.clock_moved("web", "worker"),
        _goes_on,
        10,
        stays=True,
    ),
    Chaos(
        "clock of worker right again, of origin ahead by 5 min",
        faults.clock_moved("worker", "origin"),
        _goes_on,
        10,
        stays=True,
    ),
    Chaos(
        "clock of origin right again, of gateway ahead by 5 min",
        faults.clock_moved("origin", "gateway"),
        _goes_on,
        10,
        stays=True,
    ),
]


def _is_right(webinar: DemoWebinar, seen: Seen, since: float, heard: float) -> bool:
    """Live by all who are asked, with nothing that waits; `since` is 0 where clocks say nothing."""
    return (
        (webinar.is_live_again(since) if since else webinar.state == State.LIVE)
        and seen.state == "live"
        and seen.heard_at > heard
        and _media(seen)
        and seen.panel.get("state") == "live"
        and not seen.panel.get("error")
        and not _undelivered(webinar, seen)
    )


def _undelivered(webinar: DemoWebinar, seen: Seen) -> list[str]:
    """Accepted messages that are not in the meeting, or that the listener has not been given exactly once."""
    sent = Message.objects.filter(event_id=webinar.row().event_id, delivery=Message.Delivery.SENT)
    sent_ids = {str(pk) for pk in sent.values_list("pk", flat=True)}
    return [one for one in list(seen.said) if one not in sent_ids or seen.read[one] != 1]


def measure(scene: Scene, webinar: DemoWebinar, cell: Chaos) -> Measured:
    """Inject a fault into the live, and look at what people are told until all is right again."""
    with cell.around(scene, webinar):
        return _measure(scene, webinar, cell)


def _measure(scene: Scene, webinar: DemoWebinar, cell: Chaos) -> Measured:
    webinar.bring_to_live()
    with Watch(scene, webinar.row(), cell.listener) as seen:
        try:
            wait_until(lambda: _is_right(webinar, seen, 0, 0) and seen.said, "all right before", timeout_s=60)
        except AssertionError:
            sys.stderr.write(f"  before: {seen}\n")
            raise
        began = time.monotonic()
        told, told_s, true_at = "", None, began
        with cell.fault(scene):
            while (lasted := time.monotonic() - began) < cell.lasts_s:
                now_told = cell.told(seen)
                true_at = time.monotonic() if now_told else true_at
                if not told and now_told:
                    told, told_s = now_told, round(lasted, 1)
                if cell.told is _goes_on and time.monotonic() - true_at > TOLD_WITHIN_S:
                    sys.stderr.write(f"  does not go on: {seen}\n")
                    told, told_s, true_at = f"not live for {TOLD_WITHIN_S:.0f} s", None, float("inf")
                time.sleep(0.1)
            sys.stderr.write(f"  at the end of the fault: {seen}\n")
        ended, wall = time.monotonic(), 0.0 if cell.stays else time.time()
        said_before = len(seen.said) if cell.stays else 0
        right_s = None
        while right_s is None and time.monotonic() < ended + RIGHT_WITHIN_S:
            if len(seen.said) > said_before and _is_right(webinar, seen, wall, ended):
                right_s = round(time.monotonic() - ended, 1)
            time.sleep(0.2)
        if right_s is None:
            sys.stderr.write(f"  not right: {seen}\n  {webinar.row().__dict__}\n")
        lost = len(_undelivered(webinar, seen)) if right_s is None else 0
        return Measured(cell.name, cell.lasts_s, told, told_s, right_s, lost, len(seen.said))
