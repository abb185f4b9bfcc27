"""How much one request may send: Django writes a body down before any view looks at it, however long it is."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from amphi.meetings import slides

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LARGEST_UPLOAD_BYTES = slides.LARGEST_BYTES + 10 * 1024 * 1024
"""As nginx has it. More than slides may have, so that a form says that a file is too large, and keeps what was typed."""
_WITH_SLIDES = re.compile(r"/meetings/(?:add|personal|[^/]+/(?:edit|duplicate))/")


class BodyTooLargeError(Exception):
    """More is sent than this address takes."""


def largest(path: str) -> int:
    """How many bytes a request for `path` may have: those of a form, and of slides where there is a field for them."""
    if _WITH_SLIDES.fullmatch(path):
        return LARGEST_UPLOAD_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


def bounded(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """`receive`, for a body that ends in time: nothing is read of one that says by itself that it is too long.

    Raises:
        BodyTooLargeError: at once, or from what is returned, when more comes than was said.
    """
    left = largest(scope["path"])
    for name, value in scope["headers"]:
        # A length that is none was refused by the server's parser.
        if name == b"content-length" and value.isdigit() and int(value) > left:
            raise BodyTooLargeError

    async def receive_bounded() -> MutableMapping[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyTooLargeError
        return message

    return receive_bounded
