"""Emails to people who wait for an event: before it begins, when it moves, when it is cancelled.

`Addressee.due_at` says when somebody may get the next one. The worker reads who is due, decides by the event's present state, and writes
the email and the next time in one transaction. So emails follow an event that moves, and each is written once, even after a crash.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from amphi.audience import calendar
from amphi.audience.models import (
    ON_AIR,
    Addressee,
    Event,
    EventState,
    Registration,
    RegistrationRules,
    Reminder,
)
from amphi.audience.personal_links import personal_link
from amphi.audience.unsubscribing import unsubscribe_url
from amphi.mails import domain as mails
from amphi.mails.models import Mail

log = logging.getLogger(__name__)

KINDS: tuple[type[Addressee], ...] = (Reminder, Registration)
WITH_CALENDAR = frozenset({"registration_accepted", "event_moved"})
"""Letters to registered people that add the event to their calendar, or move it there."""
AT_ONCE = 200
"""The most letters in one transaction."""
MOVED_REST = timedelta(minutes=2)
"""Wait this long after a move, since a presenter who moves an event often moves it again."""
TOO_LATE = timedelta(minutes=15)
"""No reminder is sent later than this after the start, for example when no worker ran."""
AFTERWARDS = timedelta(hours=1)
"""How long after the end to write. A live that was stopped by mistake is started again before that."""
OVERRUN_REST = timedelta(minutes=10)
DRAFT_REST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Step:
    """The next step for one addressee.

    Attributes:
        due_at: when to look again.
        letter: the email's template; empty when there is nothing to write.
        columns: columns of the addressee to write with it.
    """

    due_at: datetime | None
    letter: str = ""
    columns: dict[str, object] = field(default_factory=dict)


def decide(row: Addressee, event: Event, now: datetime, rules: RegistrationRules | None = None) -> Step:
    """Decide what to write to `row` now, and when to look again. Does not use the database.

    Args:
        row: the addressee.
        event: the event.
        now: the current time.
        rules: the event's rules, if `row` is a registration.
    """
    start = event.start_at
    if event.state == EventState.OVER or (now >= event.end_at and event.state not in ON_AIR):
        return _afterwards(row, event, now, rules)
    if event.is_draft:
        return Step(now + DRAFT_REST)
    if row.told_start_at == start and not row.is_reminded:
        return Step(None)
    passed: dict[str, object] = {column: start for column, before in row.REMINDERS if start - before <= now}
    due_at = _next(row, start, now) or _end_of(row, event, now)
    if row.told_start_at == start:
        is_unsent = any(getattr(row, column) != start for column in passed)
        letter = row.LETTER if is_unsent and now < start + TOO_LATE else ""
        return Step(due_at, letter, passed if is_unsent else {})
    told_at = event.calendar_stamp + MOVED_REST
    if now < told_at:
        return Step(told_at)
    return Step(due_at, "event_moved", passed | {"told_start_at": start})


def _end_of(row: Addressee, event: Event, now: datetime) -> datetime | None:
    """When to look whether to write after the end of `event`; None when nothing is written then."""
    return max(event.end_at, now + OVERRUN_REST) if isinstance(row, Registration) else None


def _afterwards(row: Addressee, event: Event, now: datetime, rules: RegistrationRules | None) -> Step:
    """The letter after the end, for people who came or did not. None is sent when nobody is known to have come."""
    told = not isinstance(row, Registration) or row.written_afterwards_at is not None
    if told or rules is None or event.state != EventState.OVER or not row.is_reminded:
        return Step(None)
    due_at = (event.since or event.end_at) + AFTERWARDS
    if now < due_at:
        return Step(due_at)
    came = isinstance(row, Registration) and row.came_at is not None
    letter = "registration_thanks" if came else "registration_missed"
    words = rules.thanks if came else rules.missed
    return Step(None, letter if words else "", {"written_afterwards_at": now})


def _next(kind: type[Addressee] | Addressee, start: datetime, now: datetime) -> datetime | None:
    """When the next reminder is due."""
    return min((start - before for _, before in kind.REMINDERS if start - before > now), default=None)


def first_columns(kind: type[Addressee], event: Event, now: datetime) -> dict[str, object]:
    """The columns of a new addressee: past reminders count as sent, and the next one is due."""
    start = event.start_at
    passed: dict[str, object] = {column: start for column, before in kind.REMINDERS if start - before <= now}
    ends_at = event.end_at if kind is Registration else None
    return passed | {"told_start_at": start, "due_at": _next(kind, start, now) or ends_at}


def look_again(event: Event) -> None:
    """Have the worker look at everybody who waits for `event`, in the caller's transaction."""
    for kind in KINDS:
        kind.who_wait(event).update(due_at=timezone.now())


def write_due() -> int:
    """Write the due letters; returns their number."""
    return sum(sum(_batches(kind)) for kind in KINDS)


def is_due() -> bool:
    """Whether anybody is due."""
    now = timezone.now()
    return any(kind._default_manager.filter(due_at__lte=now).exists() for kind in KINDS)  # noqa: SLF001 -- of any kind


def _batches(kind: type[Addressee]) -> Iterator[int]:
    while True:
        with transaction.atomic():
            now = timezone.now()
            # Rows that another worker has locked are skipped.
            due = kind._default_manager.select_for_update(skip_locked=True, of=("self",))  # noqa: SLF001 -- of any kind
            rows = list(
                due.filter(due_at__lte=now).select_related("event__owner").order_by("due_at")[:AT_ONCE]
            )
            if not rows:
                return
            yield _write(rows, now)


def _write(rows: list[Addressee], now: datetime) -> int:
    letters = []
    events = {row.event_id for row in rows if isinstance(row, Registration)}
    rules = RegistrationRules.objects.in_bulk(events, field_name="event_id") if events else {}
    known = _events_whose_comers_are_known(events)
    for row in rows:
        step = decide(row, row.event, now, rules.get(row.event_id) if row.event_id in known else None)
        for column, value in step.columns.items():
            setattr(row, column, value)
        row.due_at = step.due_at
        row.save(update_fields=[*step.columns, "due_at"])
        if step.letter:
            letters.append(compose(row, step.letter))
    Mail.objects.bulk_create(letters)
    if letters:
        log.info("letters: %s written", len(letters))
    return len(letters)


def _events_whose_comers_are_known(events: Collection[int]) -> set[int]:
    """The events of `events` at which somebody who registered was seen."""
    came = Registration.objects.filter(event__in=events).exclude(came_at=None)
    return set(came.values_list("event_id", flat=True).distinct()) if events else set()


def compose(row: Addressee, letter: str) -> Mail:
    """One letter to `row`, not saved."""
    event = row.event
    url = settings.AMPHI_URL + event.get_absolute_url()
    entry = ""
    if isinstance(row, Registration):
        url = personal_link(row)
        if letter in WITH_CALENDAR:
            with translation.override(row.language):
                entry = calendar.write_event(event, url=url).decode()
    context = {"event": event, "row": row, "url": url, "zone": timezone.get_default_timezone_name()}
    if letter in {"registration_thanks", "registration_missed"}:
        rules = RegistrationRules.objects.get(event=event)
        context["words"] = rules.thanks if letter == "registration_thanks" else rules.missed
    reader = mails.Reader(row.address, row.language)
    return mails.compose(reader, letter, context, calendar=entry, unsubscribe_url=unsubscribe_url(row))


def cancel(event: Event) -> int:
    """Tell everybody who waits for `event` that it is cancelled, unless it has begun; in the transaction that removes it.

    Returns:
        The number of letters.
    """
    begun = event.state not in {"", EventState.WAITING} or timezone.now() >= event.end_at
    if begun or event.is_draft:
        return 0
    addresses: dict[str, dict[str, None]] = {}
    known: set[str] = set()
    for kind in KINDS:
        for address, language in kind.who_wait(event).values_list("address", "language"):
            if address not in known:
                known.add(address)
                addresses.setdefault(language, {})[address] = None
    for language, readers in addresses.items():
        _write_to_all(event, language, list(readers))
    return len(known)


def _write_to_all(event: Event, language: str, addresses: list[str]) -> None:
    """One text for all who read `language`: thousands may wait, and whoever deletes an event waits for this."""
    context = {"event": event, "zone": timezone.get_default_timezone_name()}
    letter = mails.compose(mails.Reader(addresses[0], language), "event_cancelled", context)
    copied = {name: getattr(letter, name) for name in ("subject", "text", "html", "attempt_at")}
    Mail.objects.bulk_create([Mail(to=address, **copied) for address in addresses], batch_size=1000)
