"""Wanting no more letters: one press in a mail program (RFC 8058), or on a page. The link is signed and says whom it is for."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from amphi.audience.models import Addressee, Registration, Reminder

_SIGNER = signing.Signer(salt="amphi.audience.unsubscribing")


def unsubscribe_url(row: Addressee) -> str:
    """Where one addressee says that no more is wanted."""
    token = _SIGNER.sign(f"{type(row).__name__.lower()}-{row.pk}")
    return settings.AMPHI_URL + reverse("live:unsubscribe", args=[token])


def addressee(token: str) -> Addressee | None:
    """Whom the link of a mail is for; None when it is forged, or they are gone."""
    try:
        kind, _, number = _SIGNER.unsign(token).partition("-")
    except signing.BadSignature:
        return None
    kinds: dict[str, type[Addressee]] = {"reminder": Reminder, "registration": Registration}
    return kinds[kind]._default_manager.select_related("event").filter(pk=int(number)).first()  # noqa: SLF001 -- of any kind


def unsubscribe(token: str) -> None:
    """Write nothing more; harmless when it is asked again."""
    row = addressee(token)
    if isinstance(row, Reminder):
        row.delete()
    elif isinstance(row, Registration):
        # They stay registered.
        Registration.objects.filter(pk=row.pk).update(wants_mail=False, due_at=None)
