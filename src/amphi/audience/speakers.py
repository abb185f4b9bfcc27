"""Who says something in the hall: an account, or a guest by a name of their choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.exceptions import VoiceClosedError
from amphi.audience.models import Event


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks.

    Attributes:
        viewer: as tickets name them.
        name: as others see it.
        user: their account, if they have one.
    """

    viewer: str
    name: str
    user: User | None = None


def viewer_of(user: User | AnonymousUser, visitor: str) -> str:
    """How tickets, votes and hands name somebody: by the account, else by the browser; empty where neither is known."""
    if isinstance(user, User):
        return f"u{user.pk}"
    return f"a{visitor}" if visitor else ""


@contextmanager
def writing(event_id: int) -> Iterator[None]:
    """One transaction of a listener on an event that may be deleted while they wait.

    Raises:
        VoiceClosedError: it was.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        if Event.objects.filter(pk=event_id).exists():
            raise
        raise VoiceClosedError(_("This live event no longer exists.")) from None
