"""Which event holds a stream now, so that the picture is its own. Tickets of other events don't open the stream, even if they name it."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from amphi.audience.models import Event, stream_name
from amphi.audience.queries import reading


def _claims(now: datetime) -> Iterator[tuple[str, int, bool]]:
    """Streams, the events that claim them, and whether they are backstage. The first claim to a stream wins."""
    events = Event.objects.values_list("broadcaster__hls_url", "pk", "is_backstage")
    yield from events.exclude(stream_held_since=None).order_by("stream_held_since", "pk")
    # For events without a livestream only the planned hours are known. When they overlap, the later event holds the stream.
    yield from events.filter(state="", start_at__lte=now, end_at__gt=now).order_by("-start_at", "-pk")


def _holders(now: datetime) -> dict[str, tuple[int, bool]]:
    """For each stream's HLS address: the event that holds it now, and whether that is backstage."""
    found: dict[str, tuple[int, bool]] = {}
    for hls_url, event_id, is_backstage in _claims(now):
        found.setdefault(hls_url, (event_id, is_backstage))
    return found


def holder_of(hls_url: str) -> int | None:
    """The event that holds a stream now, also while it is backstage; None when no event does."""
    held = _holders(timezone.now()).get(hls_url)
    return held[0] if held is not None else None


@reading
def held_streams() -> dict[int, str]:
    """The name of the stream that each event holds now. Without events that are backstage, whose streams no ticket opens.

    Raises:
        LogUnavailableError: the database can't be read now.
    """
    held = _holders(timezone.now())
    return {
        event_id: stream_name(hls_url)
        for hls_url, (event_id, is_backstage) in held.items()
        if not is_backstage
    }
