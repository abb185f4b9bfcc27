"""Limits the connections that don't publish yet, so that a publisher always finds a place among many silent ones."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

MAX_STRANGERS = 128
MAX_PER_ADDRESS = 32


class Stranger(Protocol):
    """A connection that does not publish yet.

    Attributes:
        address: its network address.
        progress: how far its protocol has come; None while it waits for our answer, when it must not be cut.
    """

    address: str

    @property
    def progress(self) -> int | None: ...


Kept = TypeVar("Kept", bound=Stranger)


def in_excess(strangers: Iterable[Kept], newcomer: Kept) -> Kept | None:
    """The connection to cut because of `newcomer`, if any: the one with the least progress, the oldest of several.

    Args:
        strangers: the present ones, the oldest first.
        newcomer: is cut itself when no other can be.
    """
    there = list(strangers)
    same = [found for found in there if found.address == newcomer.address]
    if len(same) >= MAX_PER_ADDRESS:
        there = same
    elif len(there) < MAX_STRANGERS:
        return None
    cut = [found for found in there if found.progress is not None]
    return min(cut, key=lambda found: found.progress or 0, default=newcomer)
