"""Who speaks as a listener: an account, or a guest with a name of their choice."""

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
    """Somebody who speaks.

    Attributes:
        viewer: their name in tickets.
        name: the name that others see.
        user: their account, if any.
    """

    viewer: str
    name: str
    user: User | None = None


def viewer_of(user: User | AnonymousUser, visitor: str) -> str:
    """The viewer's name in tickets, votes and hands: by the account, or else by the browser; empty when neither is known."""
    if isinstance(user, User):
        return f"u{user.pk}"
    return f"a{visitor}" if visitor else ""


@contextmanager
def writing(event_id: int) -> Iterator[None]:
    """A transaction of a listener on an event that may be deleted meanwhile.

    Raises:
        VoiceClosedError: the event was deleted.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        if Event.objects.filter(pk=event_id).exists():
            raise
        raise VoiceClosedError(_("This live event no longer exists.")) from None
