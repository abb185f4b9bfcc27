"""How another site shows a live: the code to paste, and oEmbed 1.0 (https://oembed.com), by which sites find that code themselves."""

import re
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape

from amphi.audience.models import Event
from amphi.audience.posters import FULL, THUMBNAIL
from amphi.audience.rights import is_open_to_all

SIZE = (640, 360)
SMALLEST = 64
LONGEST_URL = 2000
FRESH_S = 300
_PATH = re.compile(r"/(?:live|embed)/([-a-zA-Z0-9_]+)/?")


class BadSizeError(ValueError):
    """A maximum that is not a number of pixels."""


def address(event: Event) -> str:
    """The page that other sites show in a frame."""
    return settings.AMPHI_URL + reverse("live:embed", args=[event.slug])


def code(event: Event, size: tuple[int, int] = SIZE) -> str:
    """What an author pastes into a page: a plain text, so that a template escapes it once more."""
    width, height = size
    return (
        f'<iframe src="{escape(address(event))}" width="{width}" height="{height}" title="{escape(event.title)}" loading="lazy"'
        ' allow="autoplay; fullscreen; picture-in-picture" allowfullscreen style="border: 0; max-width: 100%"></iframe>'
    )


def discovery(event: Event) -> str:
    """The address that tells of `event`, for its page; empty where nobody may show it."""
    if not settings.AMPHI_EMBED_SITES or not is_open_to_all(event):
        return ""
    url = settings.AMPHI_URL + event.get_absolute_url()
    return f"{settings.AMPHI_URL}{reverse('live:oembed')}?{urlencode({'url': url, 'format': 'json'})}"


def slug_in(url: str) -> str:
    """The slug of the event whose page, or page for frames, is at `url`; empty when it is no such address."""
    if len(url) > LONGEST_URL:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    here = urlsplit(settings.AMPHI_URL).netloc.lower()
    found = _PATH.fullmatch(parts.path)
    known = parts.scheme in {"http", "https"} and parts.netloc.lower() == here
    return found[1] if found and known else ""


def fit(max_width: str, max_height: str) -> tuple[int, int]:
    """The size of the frame, in its usual shape, within what is given; both may be empty.

    Raises:
        BadSizeError: one is not a number, or less than `SMALLEST`.
    """
    width, height = SIZE
    share = min(1.0, _pixels(max_width, width) / width, _pixels(max_height, height) / height)
    return int(width * share), int(height * share)


def _pixels(given: str, usual: int) -> int:
    if not given:
        return usual
    if not (given.isascii() and given.isdigit() and len(given) < 6) or int(given) < SMALLEST:  # noqa: PLR2004 -- no screen has more
        raise BadSizeError
    return int(given)


def content(event: Event, max_width: str, max_height: str) -> dict[str, object]:
    """The answer about an event that is open to all.

    Raises:
        BadSizeError: a maximum is not one.
    """
    width, height = fit(max_width, max_height)
    return {
        "version": "1.0",
        "type": "video",
        "title": event.title,
        "provider_name": settings.AMPHI_INSTITUTION or "Amphi",
        "provider_url": settings.AMPHI_URL,
        "cache_age": FRESH_S,
        "width": width,
        "height": height,
        "html": code(event, (width, height)),
        **_thumbnail(event, max_width, max_height),
    }


def _thumbnail(event: Event, max_width: str, max_height: str) -> dict[str, object]:
    """The largest poster that fits; by the specification, neither side may be more than the maximum."""
    if not event.poster_mark:
        return {}
    for path, (width, height) in ((event.poster_url, FULL), (event.thumbnail_url, THUMBNAIL)):
        if width <= _pixels(max_width, width) and height <= _pixels(max_height, height):
            return {
                "thumbnail_url": settings.AMPHI_URL + path,
                "thumbnail_width": width,
                "thumbnail_height": height,
            }
    return {}
