"""Which event holds a stream now: the one whose picture it is. Tickets of other events don't open it, whatever stream they name."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from amphi.audience.models import Event, stream_name
from amphi.audience.queries import reading


def _claims(now: datetime) -> Iterator[tuple[str, int, bool]]:
    """Streams, the events that claim them, and whether that is backstage; the first claim of each is the right one."""
    events = Event.objects.values_list("broadcaster__hls_url", "pk", "is_backstage")
    yield from events.exclude(stream_held_since=None).order_by("stream_held_since", "pk")
    # Of events that others carry only the hours are known. Where they overlap, the stream is the later one's.
    yield from events.filter(state="", start_at__lte=now, end_at__gt=now).order_by("-start_at", "-pk")


def _holders(now: datetime) -> dict[str, tuple[int, bool]]:
    """The event that holds each stream now, and whether it is backstage, by the stream's HLS address."""
    found: dict[str, tuple[int, bool]] = {}
    for hls_url, event_id, is_backstage in _claims(now):
        found.setdefault(hls_url, (event_id, is_backstage))
    return found


def holder_of(hls_url: str) -> int | None:
    """The event that holds a stream now, backstage too: the picture is its own, and nobody else's."""
    held = _holders(timezone.now()).get(hls_url)
    return held[0] if held is not None else None


@reading
def held_streams() -> dict[int, str]:
    """The name of the stream that each event holds now and shows: backstage nobody's ticket opens it.

    Raises:
        LogUnavailableError: the database can't be read just now.
    """
    held = _holders(timezone.now())
    return {
        event_id: stream_name(hls_url)
        for hls_url, (event_id, is_backstage) in held.items()
        if not is_backstage
    }
