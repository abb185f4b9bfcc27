"""The web server's application: Django, and beside it the event streams of thousands of listeners."""

import os
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
django.setup(set_prefix=False)

# Models can be imported only once Django is set up.
from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from amphi.audience import attendance, edge, turnout  # noqa: E402
from amphi.audience.claims import Rights  # noqa: E402
from amphi.audience.crowd import Limits  # noqa: E402
from amphi.audience.domain import ticket_key  # noqa: E402
from amphi.audience.holders import held_streams  # noqa: E402
from amphi.audience.hub import Hub  # noqa: E402
from amphi.audience.pulse import Pulse, pulse  # noqa: E402
from amphi.audience.queries import DatabaseLog  # noqa: E402
from amphi.audience.reactions import ReactionDoor, publish_reactions  # noqa: E402
from amphi.audience.reception import ReportDoor, Sums  # noqa: E402
from amphi.audience.reception import write as write_reception  # noqa: E402
from amphi.audience.replays import door as replay_door  # noqa: E402
from amphi.audience.replays import library  # noqa: E402
from amphi.audience.replays.rights import refused  # noqa: E402
from amphi.audience.roll import Roll  # noqa: E402
from amphi.audience.stream import EventStream, Receive, Scope, Send, answer  # noqa: E402
from amphi.pages import bucket_addresses  # noqa: E402
from amphi.pages.forwarded import UnknownProxies  # noqa: E402
from amphi.pages.places import Pages, Places  # noqa: E402
from amphi.system.health import Health  # noqa: E402

places = Places(settings.AMPHI_PAGES_AT_ONCE)
_pages = Pages(places)
_unknown_proxies = UnknownProxies()
_rights = Rights(refused)
_PROCESS = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
hub = Hub(
    DatabaseLog(counted=turnout.tell),
    process=_PROCESS,
    limits=Limits(
        listeners=settings.AUDIENCE_MAX_LISTENERS,
        per_viewer=settings.AUDIENCE_STREAMS_PER_VIEWER,
        per_address=settings.AUDIENCE_STREAMS_PER_ADDRESS,
    ),
    rights=_rights,
    roll=Roll(attendance.note),
)
_events = EventStream(hub, ticket_key(), uncounted=frozenset(settings.AMPHI_TRUSTED_PROXIES))
_holders = edge.Holders(held_streams)
_ticket_door = edge.TicketDoor(ticket_key(), _holders, _rights)
_replays = replay_door.ReplayDoor(
    ticket_key(), _rights, settings.RECORDINGS, library.playlist_of, bucket_addresses.signing()
)
_reactions = ReactionDoor(
    ticket_key(),
    _rights,
    lambda event_id, kind, number: pulse.add(publish_reactions, event_id, kind, number),
)
_minutes = Pulse(every_s=60)


def _write_reports(event_id: int, sums: Sums) -> None:
    write_reception(_PROCESS, event_id, sums, timezone.now())


_reports = ReportDoor(ticket_key(), lambda event_id, sums: _minutes.add_all(_write_reports, event_id, sums))
_health = Health()
_HALL_PATH = re.compile(r"/live/(\d{1,18})/(events|reactions|reports)")
_hall: Mapping[str, Callable[[Scope, Receive, Send, int], Awaitable[None]]] = {
    "events": _events,
    "reactions": _reactions,
    "reports": _reports,
}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] == "http":
        if scope["path"] == "/healthz":
            good = await _health.is_good()
            await answer(
                send,
                200 if good else 503,
                "ok\n" if good else "the database does not answer, or takes no writes\n",
            )
            return
        if scope["path"] == edge.PATH:
            await _ticket_door(scope, send)
            return
        match = replay_door.PATH.fullmatch(scope["path"])
        if match:
            await _replays(scope, send, match)
            return
        match = _HALL_PATH.fullmatch(scope["path"])
        if match:
            await _hall[match[2]](scope, receive, send, int(match[1]))
            return
        _unknown_proxies.look(scope)
    await _pages(scope, receive, send)


def start() -> None:
    """Publish and write from now on what listeners do, in threads of their own."""
    pulse.start()
    _minutes.start()


def close() -> None:
    """Close the connections to the database. Call it once all requests are answered and the hub is closed."""
    pulse.close()
    _minutes.close()
    places.close()
    for thread in (_rights, _holders, _replays):
        thread.finish(connections.close_all)
