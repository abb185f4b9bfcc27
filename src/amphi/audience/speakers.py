"""Who speaks as a listener: an account, or a guest with a name of their choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.exceptions import VoiceClosedError
from amphi.audience.models import Event, Guest, Restraint, Role
from amphi.audience.rights import standing
from amphi.system import rows


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who speaks.

    Attributes:
        viewer: their name in tickets.
        name: the name that others see.
        user: their account, if any.
        role: who they are in this event.
        network: of a guest, where they write from.
    """

    viewer: str
    name: str
    user: User | None = None
    role: Role = Role.LISTENER
    network: str = ""

    @property
    def keeps_order(self) -> bool:
        """Whether no rule of the discussion holds them."""
        return self.role in {Role.PRESENTER, Role.MODERATOR}


def account_speaker(user: User, event: Event) -> Speaker:
    """Somebody who is logged in, as they are in `event`."""
    return Speaker(viewer_of(user, ""), str(user), user, standing(user, event) or Role.LISTENER)


def guest_speaker(event: Event, viewer: str, network: str) -> Speaker | None:
    """A browser that has a name in `event`, where guests may write; None without either."""
    if not (event.guests_may_write and viewer):
        return None
    guest = rows.find(Guest, event=event.pk, viewer=viewer)
    return Speaker(viewer, guest.name, None, Role.GUEST, network) if guest else None


def viewer_of(user: User | AnonymousUser, visitor: str) -> str:
    """The viewer's name in tickets, votes and hands: by the account, or else by the browser; empty when neither is known."""
    if isinstance(user, User):
        return f"u{user.pk}"
    return f"a{visitor}" if visitor else ""


def check_not_restrained(event: Event, speaker: Speaker) -> None:
    """Whether somebody may still say something; who keeps order always may.

    Raises:
        VoiceClosedError: a moderator has stopped them.
    """
    if not speaker.keeps_order and Restraint.objects.filter(event=event, viewer=speaker.viewer).exists():
        raise VoiceClosedError(_("A moderator has stopped you from taking part."))


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
