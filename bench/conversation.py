"""The conversation's smoothness: frame times in Chromium, its processor slowed down four times, at 20 messages a second with 500 in the page.

The messages come from a real `amphi web` by the event stream. The same time without messages is measured first: what it shows comes from
the machine. `cost` is what each message takes of the main thread's processor time, not slowed down: it says something on a busy machine
too. Run it as ``python -m bench.conversation [SECONDS [PER_SECOND [SLOWDOWN]]]``.
"""

import json
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHOWN = 500
PERIOD_MS = 1000 / 60
FRAMES = """seconds => new Promise((done) => {
  const times = [];
  let last = performance.now();
  const end = last + 1000 * seconds;
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  const frame = (now) => {
    times.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(frame);
    else { observer.disconnect(); done([times.slice(1), tasks]); }
  };
  requestAnimationFrame(frame);
})"""
COSTS = {
    "all": "TaskDuration",
    "script": "ScriptDuration",
    "style": "RecalcStyleDuration",
    "layout": "LayoutDuration",
}
TEXTS = (
    "Bonjour à toutes et à tous !",
    "Pourriez-vous remontrer la diapositive précédente ? Je n’ai pas eu le temps de noter la deuxième équation.",
    "👏👏 merci",
    "Le lien : https://example.org/cours/2026/radioactivite#exercice-4",
)


def main(seconds: float = 20, per_second: float = 20, slowdown: float = 4) -> int:
    """Measure and print one line of JSON; always 0, since only an idle machine says anything."""
    os.environ.setdefault("AMPHI_SECRET_KEY", secrets.token_urlsafe(48))
    os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
    os.environ["AMPHI_USE_MEETING_WEBINAR"] = "1"
    from tests import postgresql  # noqa: PLC0415 -- of the tests, not of this folder

    with postgresql.running() as url, tempfile.TemporaryDirectory() as folder:
        os.environ["AMPHI_DATABASE_URL"] = url
        load = [round(one, 1) for one in os.getloadavg()]
        found = _measure(Path(folder), seconds, per_second, slowdown)
    print(json.dumps({"per_second": per_second, "slowdown": slowdown, "load": load, **found}))
    return 0


def _measure(folder: Path, seconds: float, per_second: float, slowdown: float) -> dict[str, Any]:
    import django  # noqa: PLC0415 -- its settings are above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from amphi.webinars.models import State  # noqa: PLC0415
    from tests import browser, ports  # noqa: PLC0415
    from tests.audience import web_process  # noqa: PLC0415
    from tests.factories import make_webinar, put  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    livestream = make_webinar(enable_chat=True)
    put(livestream, State.LIVE)
    event = livestream.event
    with (
        web_process.running(ports.reserve(), folder) as web,
        browser.running() as chromium,
        chromium.visitor() as step,
    ):
        page = step(lambda context: context.new_page())
        step(lambda _: page.goto(f"{web.url}/live/{event.slug}/"))
        step(lambda _: page.wait_for_selector("#chat-log"))
        _say(event, SHOWN, 0)
        counted = f"document.querySelectorAll('#chat-log .chat-message').length >= {SHOWN}"
        step(lambda _: page.wait_for_function(f"() => {counted}"))
        session = step(lambda context: context.new_cdp_session(page))
        step(lambda _: session.send("Performance.enable", {"timeDomain": "threadTicks"}))
        before = step(lambda _: _metrics(session))
        _say(event, int(seconds * per_second), 1 / per_second)
        after = step(lambda _: _metrics(session))
        cost = {
            f"{kind}_ms": round(1000 * (after[name] - before[name]) / int(seconds * per_second), 2)
            for kind, name in COSTS.items()
        }
        step(lambda _: session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown}))
        quiet = step(lambda _: page.evaluate(FRAMES, seconds))
        # The browser measures in its own thread while this one writes.
        under_way = chromium._pool.submit(page.evaluate, FRAMES, seconds)  # noqa: SLF001 -- `step` waits for the answer
        _say(event, int(seconds * per_second), 1 / per_second)
        busy = under_way.result()
        kept = step(lambda _: page.evaluate("document.querySelectorAll('#chat-log .chat-message').length"))
    connections.close_all()
    return {"in_page": kept, "cost": cost, "without": _summary(*quiet), "with": _summary(*busy)}


def _metrics(session: Any) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def _say(event: Any, count: int, pause_s: float) -> None:
    from django.utils import timezone  # noqa: PLC0415 -- after the settings

    from amphi.audience import domain  # noqa: PLC0415

    began = time.monotonic()
    for number in range(count):
        domain.record_meeting_message(
            event,
            meeting_message_id=secrets.token_hex(8),
            author_name=f"Auditrice {number % 40}",
            text=f"{TEXTS[number % len(TEXTS)]} ({number})",
            sent_at=timezone.now(),
        )
        time.sleep(max(0.0, began + (number + 1) * pause_s - time.monotonic()))


def _summary(frames: list[float], long_tasks: list[float]) -> dict[str, float]:
    ordered = sorted(frames)
    at = {
        name: ordered[int(share * (len(ordered) - 1))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    return {
        **{f"{name}_ms": round(value, 1) for name, value in at.items()},
        "max_ms": round(ordered[-1], 1),
        "fps": round(1000 * len(frames) / sum(frames), 1),
        "late_percent": round(100 * sum(one > 1.5 * PERIOD_MS for one in frames) / len(frames), 1),
        "long_tasks": len(long_tasks),
        "longest_task_ms": round(max(long_tasks, default=0), 1),
    }


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:4])))
