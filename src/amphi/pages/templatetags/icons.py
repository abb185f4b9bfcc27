"""Icons drawn inside the page: it contains only those that it shows, and loads no file for them."""

import logging
import re
from functools import cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from amphi.system import vendor

log = logging.getLogger(__name__)
register = template.Library()

FOLDER = "bootstrap-icons/icons"


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """The icon `name` of Bootstrap Icons, as tall as the text beside it. Screen readers skip it and read that text.

    An icon that is not installed is left out, since the page works without it.
    """
    return format_html(
        '<svg class="bi bi-{}{}" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">{}</svg>',
        name,
        f" {classes}" if classes else "",
        _shape(name),
    )


@cache
def _shape(name: str) -> SafeString:
    """The drawing: the inside of the library's SVG file."""
    try:
        text = vendor.library(f"{FOLDER}/{name}.svg").read_text(encoding="utf-8")
    except OSError as error:
        log.warning("no icon %r: %s", name, error)
        return SafeString("")
    inside = re.sub(r"^<svg[^>]*>|</svg>\s*$|\n\s*", "", text)
    return mark_safe(inside)  # noqa: S308 -- a file of a locked library
