"""The personal link of a registration: it first confirms the registration, then opens the live."""

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from amphi.audience.models import Event, Registration
from amphi.audience.rights import registration_key


def personal_link(row: Registration) -> str:
    """The complete address, for emails."""
    token = f"{row.pk}-{registration_key(row)}"
    return settings.AMPHI_URL + reverse("live:registered", args=[row.event.slug, token])


def by_token(event: Event, token: str) -> Registration | None:
    """The registration of a personal link's token; None when it is invalid or out of date."""
    number, _dash, key = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):  # noqa: PLR2004 -- fits 64 bits
        return None
    row = Registration.objects.select_related("event__owner", "user").filter(pk=number, event=event).first()
    return row if row is not None and constant_time_compare(registration_key(row), key) else None
