"""Guests: who writes without an account, by a name that nobody verified."""

import re

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.exceptions import GuestNameError, TooManyMessagesError
from amphi.audience.models import Event, Guest, Restraint
from amphi.system.typed import clean_line, folded

LONGEST_NAME = 60
MOST_FROM_ONE_NETWORK = 1000
"""Guests of one event from one address: a full lecture hall behind one is welcome."""
OFFICIAL_WORDS = frozenset(
    "admin administrateur administratrice administrator amphi animateur animatrice host moderateur moderation moderator moderatrice"
    " official officiel officielle presentateur presentatrice presenter presidence professeur streaming".split()
)
"""What only those may call themselves who are (as `folded`)."""


def become_guest(event: Event, *, viewer: str, name: str, network: str) -> Guest:
    """Give a browser a name in `event`, for as long as the event lasts: it is not changed afterwards.

    Args:
        event: where guests may write.
        viewer: as tickets name the browser.
        name: as they typed it.
        network: where they come from.

    Raises:
        ChatError: not under this name, or not from there.
    """
    name = clean_line(name)
    _check_name(event, name)
    known = Guest.objects.filter(event=event, viewer=viewer).first()
    if known is not None:
        return known
    there = Guest.objects.filter(event=event, network=network)
    if is_excluded(event, network) or there.count() >= MOST_FROM_ONE_NETWORK:
        raise TooManyMessagesError(_("No more guests can write from your network. Log in to write."))
    try:
        with transaction.atomic():
            return Guest.objects.create(event=event, viewer=viewer, name=name, network=network)
    except IntegrityError:
        # Pressed twice.
        return Guest.objects.get(event=event, viewer=viewer)


def is_excluded(event: Event, network: str) -> bool:
    """Whether a guest from this network was excluded: nobody new becomes one from there; who is one already goes on."""
    return Restraint.objects.filter(event=event, network=network).exclude(network="").exists()


def _check_name(event: Event, name: str) -> None:
    if not name:
        raise GuestNameError(_("Choose a name first."))
    if len(name) > LONGEST_NAME:
        raise GuestNameError(
            _("This name is too long: choose one of at most %(most)d characters.") % {"most": LONGEST_NAME}
        )
    words = _words(name)
    if not words:
        raise GuestNameError(_("Choose a name with letters."))
    if is_official(event, name):
        raise GuestNameError(_("This name is that of somebody who presents or moderates. Choose another."))


def is_official(event: Event, name: str) -> bool:
    """Whether a name is that of one who presents or moderates, or says that its bearer does."""
    words = _words(name)
    return bool(words & OFFICIAL_WORDS) or _is_of_the_house(event, words)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", folded(name)))


def _is_of_the_house(event: Event, words: frozenset[str]) -> bool:
    """Whether a name is that of one who presents or moderates: their words in any order, also with others around them."""
    behind = Q(pk=event.owner_id) | Q(co_owned_events=event) | Q(moderated_events=event)
    for person in User.objects.filter(behind).distinct():
        for theirs in (_words(str(person)), _words(person.get_username())):
            if theirs == words or (len(theirs) > 1 and theirs <= words):
                return True
    return False
