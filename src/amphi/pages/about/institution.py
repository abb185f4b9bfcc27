"""The institution that runs the platform, for every page."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def link_to(place: str) -> str:
    """The link for a setting: the address of a page, or ``mailto:`` and an email address; empty if it is not set."""
    return place if not place or urlsplit(place).scheme else f"mailto:{place}"


def institution(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001 -- as Django calls a context processor
    """Context of every page: who runs the platform, and where help is."""
    return {
        "institution": {
            "name": settings.AMPHI_INSTITUTION,
            "url": settings.AMPHI_INSTITUTION_URL,
            "has_logo": settings.AMPHI_LOGO is not None,
            "help": link_to(settings.AMPHI_HELP),
            "legal": settings.AMPHI_LEGAL_URL,
            "conformity": settings.AMPHI_ACCESSIBILITY,
        }
    }
