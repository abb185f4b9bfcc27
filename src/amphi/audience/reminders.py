"""Reminders of an event by email. An address is stored only after its owner has confirmed."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amphi.accounts import guesses
from amphi.accounts.guesses import Limit, TooManyGuessesError
from amphi.accounts.models import User
from amphi.audience import letters
from amphi.audience.exceptions import ReminderError
from amphi.audience.models import Event, EventState, Reminder
from amphi.mails import domain as mails

MOST_OF_AN_EVENT = 20_000
MOST_OF_AN_ADDRESS = 50
"""The most events that one address can wait for."""
MAILS_TO_AN_ADDRESS = 3
MAILS_FROM_A_NETWORK = 100
"""High, since a lecture hall may have one address."""
WINDOW = timedelta(hours=1)
CONFIRM_WITHIN = timedelta(days=2)
_SALT = "amphi.audience.reminders"


def of_user(event: Event, user: User | AnonymousUser) -> Reminder | None:
    """The reminder of `event` that goes to the address of `user`, if there is one."""
    if not isinstance(user, User) or not user.email:
        return None
    return event.reminders.filter(address=user.email.lower()).first()


def can_be_asked(event: Event) -> bool:
    """Whether a reminder of `event` still makes sense."""
    return event.state in {"", EventState.WAITING} and timezone.now() < event.start_at


def ask(event: Event, address: str, *, network: str, user: User | None = None) -> bool:
    """Request a reminder. An email with a link asks for confirmation, unless `user` is known to own the address.

    The result does not reveal whether the address is known, or has got too many emails.

    Args:
        event: the event.
        address: an email address.
        network: the network of the request.
        user: the person who is logged in, if any.

    Returns:
        True when no confirmation is needed.

    Raises:
        ReminderError: it is too late, or there were too many requests from this network.
    """
    address = address.strip().lower()
    if not can_be_asked(event):
        raise ReminderError(_("It is too late for a reminder: the live is about to begin or has begun."))
    language = get_language() or settings.LANGUAGE_CODE
    if user is not None and user.email.lower() == address:
        return _add(event, address, language)
    try:
        guesses.count([Limit(("reminders-from", network), MAILS_FROM_A_NETWORK, WINDOW)])
    except TooManyGuessesError:
        raise ReminderError(_("Too many requests. Try again in an hour.")) from None
    try:
        guesses.count([Limit(("reminders-to", address), MAILS_TO_AN_ADDRESS, WINDOW)])
    except TooManyGuessesError:
        return False  # Whoever asks does not learn what this address gets.
    token = signing.dumps([event.pk, address, language], salt=_SALT)
    url = settings.AMPHI_URL + reverse("live:confirm_reminder", args=[event.slug, token])
    context = {"event": event, "url": url, "zone": timezone.get_default_timezone_name()}
    mails.queue([mails.Reader(address, language)], "reminder_confirm", context)
    return False


def asked_for(event: Event, token: str) -> tuple[str, str] | None:
    """The address and the language in an email's link; None when the link is forged, too old, or for another event."""
    try:
        event_id, address, language = signing.loads(token, salt=_SALT, max_age=CONFIRM_WITHIN)
    except signing.BadSignature:
        return None
    return (address, language) if event_id == event.pk else None


def confirm(event: Event, token: str) -> bool:
    """Confirm a reminder from an email's link. A repeated request has no effect.

    Returns:
        False when the link is not valid, or it is too late.
    """
    found = asked_for(event, token)
    return found is not None and can_be_asked(event) and _add(event, *found)


def _add(event: Event, address: str, language: str) -> bool:
    with transaction.atomic():
        # Locked, so that two requests at once are both counted.
        held = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
        if Reminder.objects.filter(event=held, address=address).exists():
            return True
        waits = Reminder.objects.filter(address=address, due_at__isnull=False).count()
        if waits >= MOST_OF_AN_ADDRESS or held.reminders.count() >= MOST_OF_AN_EVENT:
            raise ReminderError(_("No more reminders can be taken for this live event or this address."))
        columns = letters.first_columns(Reminder, held, timezone.now())
        Reminder.objects.create(event=held, address=address, language=language, **columns)
    return True
