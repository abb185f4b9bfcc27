"""What one webinar takes in, whoever writes it: a crowd that writes at once waits for its turn, and not for a server that is busy with all of it.

Each message costs a web process some 5 ms, and nobody reads more than a few a second. It is counted before the database is asked.
"""

from functools import lru_cache

from django.conf import settings

from amphi.audience.pace import Pace
from amphi.system.addresses import block_of

WINDOW_S = 5.0
BLOCK_SHARE = 0.5
"""Of what a webinar takes, the most from one block of addresses: whoever has a whole block leaves room for others."""


@lru_cache(maxsize=1)
def _paces(per_minute: int) -> tuple[Pace, Pace]:
    most = max(1, round(per_minute * WINDOW_S / 60))
    return Pace(most, WINDOW_S), Pace(max(1, round(most * BLOCK_SHARE)), WINDOW_S)


def forget() -> None:
    """Begin to count anew."""
    _paces.cache_clear()


def has_room(event_id: int, network: str) -> bool:
    """Whether a webinar takes one more message now, which is then counted.

    Args:
        event_id: of the webinar.
        network: the address it comes from, as `network_of` has it; empty when that does not count, as of an account.
    """
    events, blocks = _paces(settings.CHAT_RATE_PER_WEBINAR)
    if network and not blocks.take(f"{event_id} {block_of(network)}"):
        return False
    return bool(events.take(str(event_id)))
