"""Which event holds a stream now: the one whose picture it is. Tickets of other events don't open it, whatever stream they name."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from amphi.audience.models import Event, stream_name
from amphi.audience.queries import reading


def _claims(now: datetime) -> Iterator[tuple[str, int]]:
    """Streams and the events that claim them, the first claim of each being the right one."""
    events = Event.objects.values_list("broadcaster__hls_url", "pk")
    yield from events.exclude(stream_held_since=None).order_by("stream_held_since", "pk")
    # Of events that others carry only the hours are known. Where they overlap, the stream is the later one's.
    yield from events.filter(state="", start_at__lte=now, end_at__gt=now).order_by("-start_at", "-pk")


def holders(now: datetime) -> dict[str, int]:
    """The event that holds each stream now, by the stream's HLS address; a stream that is missing belongs to nobody."""
    found: dict[str, int] = {}
    for hls_url, event_id in _claims(now):
        found.setdefault(hls_url, event_id)
    return found


def holder_of(hls_url: str) -> int | None:
    """The event that holds a stream now."""
    return holders(timezone.now()).get(hls_url)


@reading
def held_streams() -> dict[int, str]:
    """The name of the stream that each event holds now.

    Raises:
        LogUnavailableError: the database can't be read just now.
    """
    return {event_id: stream_name(hls_url) for hls_url, event_id in holders(timezone.now()).items()}
