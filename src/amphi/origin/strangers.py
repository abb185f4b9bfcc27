"""Which connections that don't publish yet are kept: a publisher always finds a place, however many others say nothing."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

MAX_STRANGERS = 128
MAX_PER_ADDRESS = 32


class Stranger(Protocol):
    """A connection that does not publish yet.

    Attributes:
        address: where it comes from.
        progress: how far it has come; None while it waits for us, since then it is not cut.
    """

    address: str

    @property
    def progress(self) -> int | None: ...


Kept = TypeVar("Kept", bound=Stranger)


def in_excess(strangers: Iterable[Kept], newcomer: Kept) -> Kept | None:
    """Who has to go, now that `newcomer` is there: the one that came the least far, the oldest of several.

    Args:
        strangers: those that are there already, the oldest first.
        newcomer: it goes itself if nobody else can.
    """
    there = list(strangers)
    same = [found for found in there if found.address == newcomer.address]
    if len(same) >= MAX_PER_ADDRESS:
        there = same
    elif len(there) < MAX_STRANGERS:
        return None
    cut = [found for found in there if found.progress is not None]
    return min(cut, key=lambda found: found.progress or 0, default=newcomer)
