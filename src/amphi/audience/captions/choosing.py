"""What presenters choose of captions: where they come from, in which language, and who has the token to send them."""

import hashlib
import hmac
import secrets

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language_info

from amphi.audience.domain import publish
from amphi.audience.models import CaptionFeed, CaptionsFrom, Event

LANGUAGES = (
    "fr", "en", "ar", "br", "ca", "cs", "da", "de", "el", "es", "eu", "fi", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "vi",
)  # fmt: skip
"""The languages of captions, as BCP 47 has them."""
TOKEN_BYTES = 32


def language_name(code: str) -> str:
    """The name of a language, in the language of the page."""
    return str(get_language_info(code)["name_translated"])


def sources() -> list[tuple[str, str]]:
    """The sources that this platform offers, with their names."""
    return [
        (value, str(label))
        for value, label in CaptionsFrom.choices
        if value != CaptionsFrom.ENGINE or settings.CAPTIONS_ENGINE
    ]


def engine_languages() -> tuple[str, ...]:
    """The languages that the platform's engine knows."""
    if settings.CAPTIONS_ENGINE == "pocketsphinx":
        return ("en",)
    if settings.CAPTIONS_ENGINE == "vosk" and "" not in settings.CAPTIONS_URLS:
        return tuple(settings.CAPTIONS_URLS)
    return LANGUAGES


def content(event: Event) -> dict[str, object]:
    """The ``captions`` message of the event stream: in which language they are; empty where there are none."""
    return {"language": event.captions_language if event.captions_from else ""}


def choose(event: Event, *, source: CaptionsFrom, language: str) -> None:
    """Have the captions of `event` come from `source`, and tell the pages that are open."""
    with transaction.atomic():
        event.captions_from, event.captions_language = source, language
        event.save(update_fields=["captions_from", "captions_language"])
        if source == CaptionsFrom.ENGINE:
            CaptionFeed.objects.get_or_create(event=event)
        publish(event.pk, "captions", content(event))


# --- the token


def make_token(event: Event) -> str:
    """A new token to send captions of `event` with; the one before is no longer valid. Only its digest is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    CaptionFeed.objects.update_or_create(
        event=event, defaults={"token_digest": _digest(token), "token_made_at": timezone.now()}
    )
    return token


def revoke_token(event: Event) -> None:
    """Have no token be valid any more."""
    CaptionFeed.objects.filter(event=event).update(token_digest="", token_made_at=None)


def is_token(event: Event, token: str) -> bool:
    """Whether `token` is the one that is valid now."""
    feed = CaptionFeed.objects.filter(event=event).exclude(token_digest="").first()
    return feed is not None and hmac.compare_digest(feed.token_digest, _digest(token))


def _digest(token: str) -> str:
    # It is random and long: a slow hash would guard nothing more.
    return hashlib.sha256(token.encode()).hexdigest()
