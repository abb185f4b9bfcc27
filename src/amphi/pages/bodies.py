"""Limits the size of request bodies: Django stores a whole body, however long, before a view sees the request."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings

from amphi.audience import posters
from amphi.meetings import slides

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

LARGEST_UPLOAD_BYTES = slides.LARGEST_BYTES + 10 * 1024 * 1024
"""The same limit as in the nginx configuration. Larger than slides may be, so that the form can say so and keep what was typed."""
LARGEST_CAPTIONS_BYTES = 64 * 1024
_WITH_CAPTIONS = re.compile(r"/live/[^/]+/captions")
_WITH_POSTER = re.compile(r"/webinars/[^/]+/options/invitation/")
_WITH_SLIDES = re.compile(r"/meetings/(?:add|personal|[^/]+/(?:edit|duplicate))/")


class BodyTooLargeError(Exception):
    """The body is larger than this address allows."""


def largest(path: str) -> int:
    """The largest body for `path`, in bytes: enough for a form, and for slides or a poster where the form has a field for them."""
    if _WITH_SLIDES.fullmatch(path):
        return LARGEST_UPLOAD_BYTES
    if _WITH_POSTER.fullmatch(path):
        return 2 * posters.LARGEST_BYTES
    if _WITH_CAPTIONS.fullmatch(path):
        return LARGEST_CAPTIONS_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


def bounded(scope: Mapping[str, Any], receive: Receive) -> Receive:
    """Wrap `receive` so that it limits the body.

    Raises:
        BodyTooLargeError: at once, when Content-Length is too large; or from the returned function, when more data comes.
    """
    left = largest(scope["path"])
    for name, value in scope["headers"]:
        # The server's parser has refused invalid lengths.
        if name == b"content-length" and value.isdigit() and int(value) > left:
            raise BodyTooLargeError

    async def receive_bounded() -> Mapping[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyTooLargeError
        return message

    return receive_bounded
