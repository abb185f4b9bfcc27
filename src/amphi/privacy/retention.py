"""When rows about people end. The worker removes them, some at a time; `records` tells people the same times.

A family of rows has one setting in days, counted from the end of what they belong to.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from amphi.accounts import guesses, repeats
from amphi.accounts.models import ApiAnswer, ApiToken, User, WrongGuesses
from amphi.audience.models import (
    Airing,
    Caption,
    Event,
    Guest,
    Hand,
    Message,
    Poll,
    Question,
    Reception,
    Registration,
    Reminder,
    Replay,
    Restraint,
    StreamMessage,
)
from amphi.audience.models.events import ON_AIR
from amphi.audience.registration import UNCONFIRMED_KEPT
from amphi.lti.models import LAUNCH_LASTS, Launch
from amphi.mails.models import Mail
from amphi.meetings.models import Attendance, Invitation, Meeting, Occurrence
from amphi.outbox.models import Delivery
from amphi.webinars import planning, saving
from amphi.webinars.models import RUNNING, Livestream, RaisedHand

STREAM_MESSAGES_KEPT = timedelta(days=1)
"""A page that was offline can catch up this far. Chat messages are kept with their event, not here."""
REMINDERS_KEPT = timedelta(days=7)
"""After the event, when the addresses are no longer needed."""
RECEPTIONS_KEPT = timedelta(days=30)
"""How listeners received a live: long enough to look into what they complained of."""
NETWORKS_KEPT = timedelta(days=7)
"""Network addresses of guests."""
ADMIN_HISTORY_KEPT = timedelta(days=365)
"""Who changed what in the administration."""
MOST_REMOVED = 100
"""Meetings and accounts removed in one go: each is a transaction with locks of its own."""


def days(name: str) -> timedelta:
    """The time that a setting in days gives."""
    return timedelta(days=getattr(settings, name))


def old_rows(now: datetime) -> Iterator[QuerySet[Any]]:
    """The rows whose time is over, beginning with those that last shortest."""
    yield from _logs(now)
    yield from _conversations(over(now - days("CONVERSATION_DAYS")), now - days("CONVERSATION_DAYS"))
    yield from _people(now - days("ATTENDANCE_DAYS"))
    gone = now - days("MEETINGS_DAYS")
    yield over(gone).filter(livestream=None)


def _logs(now: datetime) -> Iterator[QuerySet[Any]]:
    logged = now - days("LOG_DAYS")
    yield StreamMessage.objects.filter(created_at__lt=now - STREAM_MESSAGES_KEPT)
    yield Mail.objects.filter(attempt_at=None, created_at__lt=logged)
    yield Delivery.objects.filter(attempt_at=None, created_at__lt=logged)
    yield Reminder.objects.filter(event__end_at__lt=now - REMINDERS_KEPT)
    yield Registration.objects.filter(
        status=Registration.Status.UNCONFIRMED, created_at__lt=now - UNCONFIRMED_KEPT
    )
    yield Session.objects.filter(expire_date__lt=now)
    yield Reception.objects.filter(at__lt=now - RECEPTIONS_KEPT)
    yield WrongGuesses.objects.filter(since__lt=now - guesses.KEPT)
    yield ApiAnswer.objects.filter(at__lt=now - repeats.KEPT)
    yield ApiToken.objects.filter(expires_at__lt=now)
    yield Launch.objects.filter(at__lt=now - LAUNCH_LASTS)
    yield LogEntry.objects.filter(action_time__lt=now - ADMIN_HISTORY_KEPT)


def over(before: datetime) -> QuerySet[Event]:
    """The events that were over `before`, and of which no replay is kept: a replay shows what was said, too."""
    aired = Airing.objects.filter(event=OuterRef("pk"))
    return Event.objects.exclude(state__in=ON_AIR).filter(
        ~Exists(aired.filter(Q(began_at__gte=before) | Exists(Replay.objects.filter(airing=OuterRef("pk"))))),
        end_at__lt=before,
    )


def _conversations(events: QuerySet[Event], before: datetime) -> Iterator[QuerySet[Any]]:
    yield Message.objects.filter(event__in=events)
    yield Question.objects.filter(event__in=events)
    yield Poll.objects.filter(event__in=events)
    yield Hand.objects.filter(event__in=events)
    yield Guest.objects.filter(event__in=events)
    yield Restraint.objects.filter(event__in=events)
    yield Caption.objects.filter(airing__event__in=events)
    yield RaisedHand.objects.filter(changed_at__lt=before)


def _people(before: datetime) -> Iterator[QuerySet[Any]]:
    """Who came, who registered, who was invited."""
    later = Occurrence.objects.filter(meeting=OuterRef("meeting"), end_at__gte=before)
    yield Attendance.objects.filter(joined_at__lt=before)
    yield Registration.objects.filter(event__end_at__lt=before)
    yield Invitation.objects.filter(~Exists(later), meeting__start_at__lt=before, sent_at__lt=before)


def old_meetings(now: datetime) -> QuerySet[Meeting]:
    """The meetings that were over long ago, but for personal rooms, which are never over."""
    before = now - days("MEETINGS_DAYS")
    later = Occurrence.objects.filter(meeting=OuterRef("pk"), end_at__gte=before)
    kept = Livestream.objects.filter(meeting=OuterRef("pk")).exclude(event__in=over(before))
    runs = Q(started_at__isnull=False, ended_at=None) | Q(livestream__state__in=RUNNING)
    return Meeting.objects.filter(
        ~Exists(later), ~Exists(kept), is_personal=False, start_at__lt=before, updated_at__lt=before
    ).exclude(runs)


def remove_meetings(now: datetime) -> int:
    """Remove some meetings that were over long ago, with their events; returns how many."""
    removed = 0
    for meeting in old_meetings(now).select_related("site")[:MOST_REMOVED]:
        with transaction.atomic():
            held = planning.lock(meeting)
            if held is None or not old_meetings(now).filter(pk=meeting.pk).exists():
                continue
            removed += saving.remove(held, user=held.meeting.owner)
    return removed


def unused_accounts(now: datetime) -> QuerySet[User]:
    """Accounts by which nobody logged in for long, and to which nothing belongs."""
    before = now - days("ACCOUNTS_DAYS")
    return (
        User.objects.annotate(used_at=Coalesce("last_login", "date_joined"))
        .filter(used_at__lt=before, is_staff=False, is_superuser=False)
        .filter(owned_meetings=None, owned_events=None, co_owned_meetings=None, co_owned_events=None)
        .exclude(identities__seen_at__gte=before)
        .exclude(api_tokens__last_used_at__gte=before)
    )
