"""Which lives get captions from this platform: each is claimed by one process, which renews its lease while it hears it."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from amphi.audience.captions import taking
from amphi.audience.captions.taking import Sentence
from amphi.audience.exceptions import CaptionError, TooManyCaptionsError
from amphi.audience.models import CaptionFeed, CaptionsFrom, Event, EventState
from amphi.captioning.engines import Engine
from amphi.captioning.engines.sphinx import SphinxEngine
from amphi.captioning.engines.vosk import VoskEngine
from amphi.captioning.engines.whisper import WhisperEngine
from amphi.captioning.session import Session
from amphi.system import leases, tickets
from amphi.system.leases import Lease
from amphi.worker.main import Lane

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
RENEW_EVERY_S = 3.0
LOOK_EVERY_S = 2.0
TICKET_LIFETIME_S = 60


def engine() -> Engine:
    """The engine that the settings name."""
    urls: dict[str, str] = settings.CAPTIONS_URLS
    match settings.CAPTIONS_ENGINE:
        case "vosk":
            return VoskEngine(urls)
        case "whisper":
            return WhisperEngine(urls[""], model=settings.CAPTIONS_MODEL, key=settings.CAPTIONS_KEY)
        case _:
            return SphinxEngine()


def wanted() -> QuerySet[CaptionFeed]:
    """The lives on the air whose presenters want captions from this platform."""
    return CaptionFeed.objects.filter(
        event__captions_from=CaptionsFrom.ENGINE,
        event__state__in=[EventState.LIVE, EventState.RECOVERING],
        event__is_backstage=False,
    )


def claim_due(*, limit: int, worker: str) -> list[Lease]:
    """Claim up to `limit` lives that no process hears."""
    return leases.claim(wanted().order_by("pk"), worker=worker, limit=limit, length=LEASE)


def address(event: Event) -> str:
    """The address of a live's playlist for this platform itself, with a ticket of its own."""
    broadcaster = event.broadcaster
    if not broadcaster.has_tickets or not settings.AMPHI_TICKET_KEY:
        return broadcaster.hls_url
    ticket = tickets.Ticket(
        event_id=event.pk,
        stream=broadcaster.stream,
        viewer="s",
        expires_at=int(time.time()) + TICKET_LIFETIME_S,
    )
    return tickets.in_path(broadcaster.hls_url, tickets.mint(settings.AMPHI_TICKET_KEY.encode(), ticket))


def hear(lease: Lease, chosen: Engine, stopping: threading.Event) -> None:
    """Write the captions of a claimed live until it is over, or this process stops."""
    feed: CaptionFeed | None = lease.held().select_related("event__broadcaster").first()
    if feed is None:
        return
    event = feed.event
    session = Session(
        f"event {event.pk} “{event.title}”",
        event.captions_language,
        address=lambda: address(event),
        engine=chosen,
        keep=lambda sentence: _keep(event.pk, sentence),
    )
    session.run(_over(lease, event, stopping))
    lease.release()


def _over(lease: Lease, event: Event, stopping: threading.Event) -> Callable[[], bool]:
    """Whether it is enough; asks the database now and then."""
    mine = wanted().filter(
        pk=lease.pk,
        claimed_by=lease.holder,
        event__captions_language=event.captions_language,
        event__broadcaster=event.broadcaster_id,
    )
    looked_at = time.monotonic()

    def over() -> bool:
        nonlocal looked_at
        if stopping.is_set():
            return True
        if time.monotonic() < looked_at + LOOK_EVERY_S:
            return False
        looked_at = time.monotonic()
        return not mine.exists()

    return over


def _keep(event_id: int, sentence: Sentence) -> None:
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        return
    try:
        taking.take(event, sentence, source=CaptionsFrom.ENGINE)
    except TooManyCaptionsError as error:
        log.warning("captions of event %s: %s", event_id, error)
    except CaptionError as error:
        log.debug("captions of event %s: %s", event_id, error)


class Captioner:
    """Hears lives until told to stop.

    Args:
        name: its name in the leases.
        chosen: the engine.
        at_once: how many lives it hears simultaneously.
    """

    def __init__(self, name: str, chosen: Engine, *, at_once: int) -> None:
        self.stopping = threading.Event()
        self._lane = Lane(
            "captions",
            at_once,
            claim=lambda free: claim_due(limit=free, worker=name),
            do=lambda lease: hear(lease, chosen, self.stopping),
        )
        self._renewed_at = time.monotonic()

    def take_due(self) -> None:
        """Claim what is due, and renew the leases of what is heard."""
        if time.monotonic() >= self._renewed_at + RENEW_EVERY_S:
            self._renewed_at = time.monotonic()
            leases.renew(self._lane.in_hand())
        self._lane.take()

    def leave(self) -> None:
        """End the leases at once, for other processes."""
        leases.leave(self._lane.in_hand())


def unheard() -> int:
    """How many lives on the air wait for captions that no process writes."""
    now = timezone.now()
    return wanted().filter(claimed_until=None).count() + wanted().filter(claimed_until__lte=now).count()
