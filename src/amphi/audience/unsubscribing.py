"""Unsubscribing from emails, by one click in a mail program (RFC 8058) or on a page. The link is signed and identifies the addressee."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from amphi.audience.models import Addressee, Registration, Reminder

_SIGNER = signing.Signer(salt="amphi.audience.unsubscribing")


def unsubscribe_path(row: Addressee) -> str:
    """Where one addressee says that no more is wanted."""
    token = _SIGNER.sign(f"{type(row).__name__.lower()}-{row.pk}")
    return reverse("live:unsubscribe", args=[token])


def unsubscribe_url(row: Addressee) -> str:
    """The same as a whole address, for mails."""
    return settings.AMPHI_URL + unsubscribe_path(row)


def addressee(token: str) -> Addressee | None:
    """The addressee of an email's link; None when it is forged, or the row was deleted."""
    try:
        kind, _, number = _SIGNER.unsign(token).partition("-")
    except signing.BadSignature:
        return None
    kinds: dict[str, type[Addressee]] = {"reminder": Reminder, "registration": Registration}
    return kinds[kind]._default_manager.select_related("event").filter(pk=int(number)).first()  # noqa: SLF001 -- of any kind


def unsubscribe(token: str) -> None:
    """Send no more emails to this addressee. A repeated request has no effect."""
    row = addressee(token)
    if isinstance(row, Reminder):
        row.delete()
    elif isinstance(row, Registration):
        # They stay registered, only without emails.
        Registration.objects.filter(pk=row.pk).update(wants_mail=False, due_at=None)
