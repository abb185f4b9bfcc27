"""Delivery directives: parameters that a player adds to a media playlist's address (RFC 8216bis, 6.2.5)."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

PREFIX = "_HLS_"
# Each number has one spelling, so that caches keep its answer once. Twelve digits are far more than needed.
NUMBER = re.compile(r"0|[1-9][0-9]{0,11}")
SKIPS = {"YES", "v2"}


class DirectiveError(ValueError):
    """An invalid directive; the message says which."""


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives of one request.

    Attributes:
        number: ``_HLS_msn``, the media sequence number to wait for.
        part: ``_HLS_part``, the part of it to wait for.
        skip: ``_HLS_skip``, whether a delta update will do.
    """

    number: int | None
    part: int | None
    skip: bool

    @classmethod
    def parse(cls, query: bytes) -> "Directives | None":
        """The directives of a query; None when there are none. A directive without a value is ignored.

        Raises:
            DirectiveError: a directive is invalid.
        """
        if not query:
            return None
        values = parse_qs(query.decode("latin-1"))
        if not any(name.startswith(PREFIX) for name in values):
            return None
        number, part = _number(values, "_HLS_msn"), _number(values, "_HLS_part")
        if number is None and part is not None:
            raise DirectiveError("_HLS_part needs _HLS_msn")
        skip = values.get("_HLS_skip", [""])[0]
        if skip and skip not in SKIPS:
            raise DirectiveError("_HLS_skip is YES or v2")
        return cls(number, part, bool(skip))


def _number(values: dict[str, list[str]], name: str) -> int | None:
    value = values.get(name, [""])[0]
    if value and not NUMBER.fullmatch(value):
        raise DirectiveError(f"{name} is not a number")
    return int(value) if value else None
