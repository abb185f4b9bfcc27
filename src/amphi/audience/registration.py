"""Registering for an event: people register, confirm by email, and are accepted, by the owner if wanted. Places are counted under a lock.

A registration has a personal link, which opens the live page without an account. Only emails contain it, which proves that the person
owns the address.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amphi.accounts import guesses
from amphi.accounts.guesses import Limit, TooManyGuessesError
from amphi.accounts.models import User
from amphi.audience import guests, letters
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, EventState, Registration, RegistrationRules
from amphi.mails.models import Mail
from amphi.outbox import domain as outbox
from amphi.outbox.models import Kind
from amphi.system import spreadsheets

log = logging.getLogger(__name__)

Status = Registration.Status
TAKES_A_PLACE = (Status.WAITING, Status.ACCEPTED)
MOST_OF_AN_EVENT = 20_000
MAILS_TO_AN_ADDRESS = 3
FROM_A_NETWORK = 200
"""High, since a lecture hall may have one address."""
WINDOW = timedelta(hours=1)
UNCONFIRMED_KEPT = timedelta(days=2)
MOST_QUESTIONS = 5
ACCEPTED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What somebody enters to register.

    Attributes:
        answers: pairs of question and answer.
    """

    name: str
    address: str
    organisation: str = ""
    answers: list[tuple[str, str]] = field(default_factory=list)


def rules_of(event: Event) -> RegistrationRules | None:
    """The rules of registration for `event`; None when there is none."""
    return RegistrationRules.objects.filter(event=event, is_open=True).first()


def is_open(event: Event) -> bool:
    """Whether registration is still possible; it is while the live runs."""
    return event.state != EventState.OVER and timezone.now() < event.end_at


def places_left(event: Event, rules: RegistrationRules) -> int | None:
    """How many places are left; None when there is no limit."""
    if rules.capacity is None:
        return None
    return max(0, rules.capacity - event.registrations.filter(status__in=TAKES_A_PLACE).count())


def of_user(event: Event, user: User | AnonymousUser) -> Registration | None:
    """The registration with which `user` may watch `event`, if any."""
    if not isinstance(user, User):
        return None
    return event.registrations.filter(user=user, status=Status.ACCEPTED).first()


# --- those who register


def register(
    event: Event, said: Application, *, network: str, user: User | None = None
) -> Registration | None:
    """Register somebody. An email asks for confirmation, unless `user` is known to own the address.

    For an address that is registered already, the email is sent again and nothing else changes. The result does not reveal that.

    Args:
        event: the event.
        said: the person, with answers to the questions.
        network: the network of the request.
        user: the person who is logged in, if any.

    Returns:
        The registration when no confirmation is needed; None when an email was sent.

    Raises:
        RegistrationError: it was refused; the text says why.
    """
    rules = rules_of(event)
    address = said.address.strip().lower()
    _check(event, rules, address)
    if not (user is not None and str(user) == said.name) and guests.is_official(event, said.name):
        raise RegistrationError(_("This name is that of somebody who presents or moderates. Choose another."))
    _count(("registrations-from", network), FROM_A_NETWORK)
    is_theirs = user is not None and user.email.lower() == address
    with transaction.atomic():
        event = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
        row = event.registrations.filter(address=address).first()
        if row is None or row.status in {Status.UNCONFIRMED, Status.WITHDRAWN}:
            row = _keep(event, row, said, address, user=user)
            if is_theirs:
                _take_place(row)
                return row
        elif user is not None and is_theirs:
            opened_by(row, user)
            return row
        if row.status != Status.REFUSED:
            _write_again(row)
    return None


def _check(event: Event, rules: RegistrationRules | None, address: str) -> None:
    if rules is None or not is_open(event):
        raise RegistrationError(_("Registration is closed."))
    domain = address.rpartition("@")[2]
    if rules.domains and domain not in rules.domains.split():
        raise RegistrationError(
            _("Only addresses of these domains can register: %(domains)s.")
            % {"domains": ", ".join(rules.domains.split())}
        )
    if places_left(event, rules) == 0:
        raise RegistrationError(_("This live event is full."))


def _count(what: tuple[str, ...], most: int) -> None:
    try:
        guesses.count([Limit(what, most, WINDOW)])
    except TooManyGuessesError:
        raise RegistrationError(_("Too many requests. Try again in an hour.")) from None


def _keep(
    event: Event, row: Registration | None, said: Application, address: str, *, user: User | None
) -> Registration:
    """Write the row of somebody new, or update that of somebody who had not confirmed or had withdrawn."""
    if row is None:
        if event.registrations.count() >= MOST_OF_AN_EVENT:
            raise RegistrationError(_("This live event is full."))
        row = Registration(event=event, address=address)
    elif row.status == Status.WITHDRAWN:
        row.key_number += 1
    row.status = Status.UNCONFIRMED
    row.name, row.organisation, row.answers = said.name, said.organisation, said.answers
    row.user = user or row.user
    row.language = get_language() or settings.LANGUAGE_CODE
    row.told_start_at, row.due_at, row.wants_mail = event.start_at, None, True
    row.created_at = timezone.now()
    row.save()
    return row


def _write_again(row: Registration) -> None:
    """Send an email about the state of the registration again, but not too often."""
    try:
        guesses.count([Limit(("registrations-to", row.address), MAILS_TO_AN_ADDRESS, WINDOW)])
    except TooManyGuessesError:
        return  # Whoever asks does not learn what this address gets.
    _letter(row).save()


def _letter(row: Registration) -> Mail:
    return letters.compose(row, f"registration_{row.status}")


def confirm(row: Registration) -> Registration:
    """Confirm a registration, from the email's link, and take a place. A repeated request has no effect.

    Raises:
        RegistrationError: no place is left, or it is too late.
    """
    with transaction.atomic():
        event = Event.objects.select_for_update(no_key=True).get(pk=row.event_id)
        row = Registration.objects.select_related("event__owner").get(pk=row.pk)
        if row.status == Status.UNCONFIRMED:
            if rules_of(event) is None or not is_open(event):
                raise RegistrationError(_("Registration is closed."))
            _take_place(row)
    return row


def _take_place(row: Registration) -> None:
    """Give `row` a place, or have it wait for the owner's approval. The event must be locked.

    Raises:
        RegistrationError: no place is left.
    """
    rules = RegistrationRules.objects.get(event=row.event)
    if places_left(row.event, rules) == 0:
        raise RegistrationError(_("This live event is full."))
    _set(row, Status.WAITING if rules.needs_approval else Status.ACCEPTED)
    _letter(row).save()
    outbox.tell(Kind.REGISTERED, lambda: _told(row))


def _told(row: Registration) -> dict[str, object]:
    event = row.event
    person = {"name": row.name, "organisation": row.organisation, "email": row.address, "status": row.status}
    said = {"event": event.slug, "title": event.title, "url": settings.AMPHI_URL + event.get_absolute_url()}
    return {"registration": person | said}


def _set(row: Registration, status: str) -> None:
    row.status = status
    columns: dict[str, object] = {"due_at": None}
    if status == Status.ACCEPTED:
        columns = letters.first_columns(Registration, row.event, timezone.now())
    for column, value in columns.items():
        setattr(row, column, value)
    row.save(update_fields=["status", *columns])


def withdraw(row: Registration) -> None:
    """Give the place back; the person's ticket becomes invalid."""
    with transaction.atomic():
        Event.objects.select_for_update(no_key=True).get(pk=row.event_id)
        _set(row, Status.WITHDRAWN)


def opened_by(row: Registration, user: User) -> None:
    """Note the account with which a personal link was opened, so that both count as one person."""
    if row.user_id is None:
        Registration.objects.filter(pk=row.pk, user=None).update(user=user)


def note_came(event: Event, viewers: Collection[str]) -> int:
    """Note which registered people among `viewers` (names in tickets) were at the live of `event`.

    Returns:
        How many were not noted before.
    """
    numbers = [int(key[1:]) for key in viewers if key.startswith("r")]
    people = [int(key[1:]) for key in viewers if key.startswith("u")]
    new = event.registrations.filter(Q(pk__in=numbers) | Q(user__in=people), came_at=None)
    return new.update(came_at=timezone.now())


# --- the owner


def set_rules(event: Event, *, is_required: bool, **fields: object) -> None:
    """Write the rules, and whether registration is mandatory. If so, tickets of people who are not registered end within seconds."""
    with transaction.atomic():
        Event.objects.filter(pk=event.pk).update(needs_registration=is_required and bool(fields["is_open"]))
        RegistrationRules.objects.update_or_create(event=event, defaults=fields)


def decide(event: Event, pks: Collection[int], *, accept: bool, user: User) -> int:
    """Accept or refuse registrations of `event`, and send each person an email.

    Returns:
        How many were changed.

    Raises:
        RegistrationError: there are not enough places.
    """
    wanted = Status.ACCEPTED if accept else Status.REFUSED
    from_where = [Status.WAITING, Status.REFUSED] if accept else [Status.WAITING, Status.ACCEPTED]
    with transaction.atomic():
        event = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
        rows = list(event.registrations.filter(pk__in=pks, status__in=from_where))
        new = sum(row.status == Status.REFUSED for row in rows)
        rules = RegistrationRules.objects.filter(event=event).first()
        left = places_left(event, rules) if rules is not None else None
        if left is not None and new > left:
            raise RegistrationError(_("There are not enough places left: raise the capacity first."))
        for row in rows:
            row.event = event
            _set(row, wanted)
        Mail.objects.bulk_create([_letter(row) for row in rows])
    log.info("registrations of event %s: %s %s by user %s", event.pk, len(rows), wanted, user.pk)
    return len(rows)


def renew_link(event: Event, pk: int, *, user: User) -> Registration:
    """Send somebody who is registered a new personal link; the one they had opens nothing any more, and its tickets end.

    Raises:
        RegistrationError: they are not registered, or got several letters within the hour.
    """
    with transaction.atomic():
        row = event.registrations.select_for_update().filter(pk=pk, status=Status.ACCEPTED).first()
        if row is None:
            raise RegistrationError(_("This person is not registered."))
        _count(("registrations-to", row.address), MAILS_TO_AN_ADDRESS)
        row.key_number += 1
        row.save(update_fields=["key_number"])
        _letter(row).save()
    log.info("registration of event %s: link of %s renewed by user %s", event.pk, row.pk, user.pk)
    return row


def accept_all(event: Event, *, user: User) -> int:
    """Accept the registrations that wait longest, as many as one request may write to.

    Raises:
        RegistrationError: as for `decide`.
    """
    waiting = event.registrations.filter(status=Status.WAITING).order_by("pk").values_list("pk", flat=True)
    return decide(event, list(waiting[:ACCEPTED_AT_ONCE]), accept=True, user=user)


def listed(event: Event, status: str = "") -> QuerySet[Registration]:
    """The confirmed registrations for `event`, the latest first."""
    rows = event.registrations.exclude(status=Status.UNCONFIRMED).order_by("-pk")
    return rows.filter(status=status) if status in Status.values else rows


def as_csv(event: Event) -> str:
    """The registrations as CSV for spreadsheets; each question is a column."""
    rows = list(listed(event).order_by("pk"))
    asked = _asked(rows)
    head = [_("Name"), _("Email"), _("Organisation"), _("Status"), _("Registered on"), *asked]
    return spreadsheets.as_csv(
        head,
        (
            [
                row.name,
                row.address,
                row.organisation,
                str(row.get_status_display()),
                timezone.localtime(row.created_at).strftime("%Y-%m-%d %H:%M"),
                *(dict(row.answers).get(question, "") for question in asked),
            ]
            for row in rows
        ),
    )


def _asked(rows: Iterable[Registration]) -> list[str]:
    """All questions that somebody answered, in order; the owner may have changed them in between."""
    return list(dict.fromkeys(question for row in rows for question, _answer in row.answers))
