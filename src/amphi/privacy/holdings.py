"""What is kept about one person, kind by kind: their copy of it (articles 15 and 20 of the GDPR), and how much there is of each.

What proves nothing gives nothing: by an account one gets what belongs to that account. What is kept by an email address alone is
given to whoever runs the command, after they made sure who asks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.accounts.models import AccessGroup, ApiToken, Identity, User
from amphi.audience import attendance
from amphi.audience.models import (
    Ballot,
    Event,
    Hand,
    Message,
    MessageReaction,
    Poll,
    Presence,
    Question,
    QuestionVote,
    Registration,
    Reminder,
    Restraint,
)
from amphi.lti.models import Member, Score
from amphi.mails.models import Mail
from amphi.meetings.models import Attendance, Invitation, Meeting
from amphi.privacy.exceptions import NobodyError
from amphi.webinars.models import Transition

MOST_ROWS = 10_000
"""Of one kind, the newest, in the copy that the page gives."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data it is.

    Attributes:
        users: their accounts.
        address: their email address, where somebody made sure that it is theirs; else empty.
    """

    users: tuple[User, ...]
    address: str = ""

    @property
    def viewers(self) -> list[str]:
        """How tickets and tables name them among the listeners."""
        rows = Registration.objects.filter(_of_registration(self)).values_list("pk", flat=True)
        return [*(f"u{user.pk}" for user in self.users), *(f"r{pk}" for pk in rows)]


def subject_named(name: str) -> Subject:
    """The person with this email address or user name; for operators.

    Raises:
        NobodyError: nothing is kept about them.
    """
    address = name if "@" in name else ""
    users = tuple(User.objects.filter(Q(username=name) | Q(email__iexact=name)))
    found = Subject(users, address)
    if not users and not any(count for _section, count in counts(found)):
        raise NobodyError(_("Nothing is kept about %(name)s.") % {"name": name})
    return found


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of rows.

    Attributes:
        key: its name in the copy.
        title: the same, for people.
        rows: those of a person.
        columns: what the copy has of a row: names and where they are found.
        for_others: the title for who reads of somebody else, where it is another one.
    """

    key: str
    title: Promise
    rows: Callable[[Subject], QuerySet[Any]]
    columns: dict[str, str]
    for_others: Promise | None = None

    @property
    def title_for_others(self) -> Promise:
        """The title where an administrator or operator reads of somebody."""
        return self.for_others or self.title


def _addressed(column: str, person: Subject) -> Q:
    return Q(**{f"{column}__iexact": person.address}) if person.address else Q(pk__in=[])


def _of_registration(person: Subject) -> Q:
    return Q(user__in=person.users) | _addressed("address", person)


def _presences(person: Subject) -> QuerySet[Presence]:
    viewers = person.viewers
    hidden = Event.objects.filter(airings__presences__viewer__startswith=attendance.PSEUDONYM).distinct()
    theirs = Q(viewer__in=viewers)
    for event in hidden:
        theirs |= Q(airing__event=event, viewer__in=attendance.pseudonyms(event, viewers))
    return Presence.objects.filter(theirs)


def _moderated(person: Subject) -> QuerySet[Event]:
    users = person.users
    shared = Q(additional_owners__in=users) | Q(moderators__in=users)
    return Event.objects.filter(Q(owner__in=users) | shared).distinct()


SECTIONS = (
    Section(
        "account",
        _("Account"),
        lambda who: User.objects.filter(pk__in=[one.pk for one in who.users]),
        {
            name: name
            for name in (
                *("username", "first_name", "last_name", "email", "affiliation", "affiliations", "language"),
                *("date_joined", "last_login"),
            )
        },
    ),
    Section(
        "access_groups",
        _("Access groups"),
        lambda who: AccessGroup.objects.filter(users__in=who.users).distinct(),
        {"code": "code_name", "name": "display_name"},
    ),
    Section(
        "sign_ons",
        _("Identifiers in the systems that you log in by"),
        lambda who: Identity.objects.filter(user__in=who.users),
        {"system": "provider", "identifier": "subject", "since": "created_at", "last_login": "seen_at"},
        for_others=_("Sign-on identities"),
    ),
    Section(
        "courses",
        _("Courses that you came from"),
        lambda who: Member.objects.filter(identity__user__in=who.users),
        {"platform": "course__platform__name", "course": "course__title", "is_teacher": "is_teacher"},
        for_others=_("Courses of learning platforms"),
    ),
    Section(
        "grades",
        _("Grades for watching webinars of these courses"),
        lambda who: Score.objects.filter(identity__user__in=who.users),
        {
            "course": "link__course__title",
            "webinar": "link__meeting__name",
            "percent": "percent",
            "sent_percent": "sent_percent",
        },
        for_others=_("Grades for watching webinars of courses"),
    ),
    Section(
        "tokens",
        _("Access tokens"),
        lambda who: ApiToken.objects.filter(user__in=who.users),
        {name: name for name in ("name", "scopes", "created_at", "expires_at", "last_used_at")},
    ),
    Section(
        "meetings",
        _("Meetings and webinars of yours"),
        lambda who: Meeting.objects.filter(owner__in=who.users),
        {name: name for name in ("name", "description", "start_at", "duration", "is_webinar", "slides_name")},
        for_others=_("Meetings and webinars owned"),
    ),
    Section(
        "shared_meetings",
        _("Meetings of others that you present"),
        lambda who: Meeting.objects.filter(additional_owners__in=who.users).distinct(),
        {"name": "name", "start_at": "start_at"},
        for_others=_("Meetings of others presented"),
    ),
    Section(
        "events",
        _("Live events that you present or moderate"),
        _moderated,
        {"title": "title", "speakers": "speakers", "start_at": "start_at", "end_at": "end_at"},
        for_others=_("Live events presented or moderated"),
    ),
    Section(
        "messages",
        _("Messages in discussions"),
        lambda who: Message.objects.filter(Q(author__in=who.users) | Q(viewer__in=who.viewers)),
        {"event": "event__title", "at": "created_at", "name": "author_name", "text": "text"},
    ),
    Section(
        "questions",
        _("Questions"),
        lambda who: Question.objects.filter(Q(author__in=who.users) | Q(viewer__in=who.viewers)),
        {
            "event": "event__title",
            "at": "created_at",
            "name": "author_name",
            "is_anonymous": "is_anonymous",
            "text": "text",
            "answer": "answer",
        },
    ),
    Section(
        "question_votes",
        _("Votes for questions"),
        lambda who: QuestionVote.objects.filter(viewer__in=who.viewers),
        {"event": "question__event__title", "question": "question__text"},
    ),
    Section(
        "poll_votes",
        _("Votes in polls"),
        lambda who: Ballot.objects.filter(viewer__in=who.viewers),
        {"event": "poll__event__title", "poll": "poll__question", "choice": "choices__text"},
    ),
    Section(
        "polls",
        _("Polls that you made"),
        lambda who: Poll.objects.filter(created_by__in=who.users),
        {"event": "event__title", "poll": "question", "at": "created_at"},
        for_others=_("Polls made"),
    ),
    Section(
        "reactions",
        _("Reactions to messages"),
        lambda who: MessageReaction.objects.filter(viewer__in=who.viewers),
        {"event": "message__event__title", "message": "message__text", "reaction": "kind"},
    ),
    Section(
        "hands",
        _("Raised hands"),
        lambda who: Hand.objects.filter(Q(user__in=who.users) | Q(viewer__in=who.viewers)),
        {"event": "event__title", "name": "name", "about": "word", "at": "raised_at"},
    ),
    Section(
        "restraints",
        _("Exclusions from a discussion or a live event"),
        lambda who: Restraint.objects.filter(viewer__in=who.viewers),
        {"event": "event__title", "kind": "kind", "at": "created_at"},
    ),
    Section(
        "meeting_attendance",
        _("Attendance of meetings"),
        lambda who: Attendance.objects.filter(user__in=who.users),
        {
            "meeting": "session__meeting__name",
            "name": "name",
            "came_at": "joined_at",
            "left_at": "left_at",
        },
    ),
    Section(
        "live_attendance",
        _("Attendance of live events"),
        _presences,
        {"event": "airing__event__title", "live_began_at": "airing__began_at", "minutes": "minutes"},
    ),
    Section(
        "registrations",
        _("Registrations"),
        lambda who: Registration.objects.filter(_of_registration(who)),
        {
            "event": "event__title",
            "name": "name",
            "address": "address",
            "organisation": "organisation",
            "answers": "answers",
            "status": "status",
            "at": "created_at",
            "came_at": "came_at",
        },
    ),
    Section(
        "reminders",
        pgettext_lazy("kept about a person", "Reminders asked for"),
        lambda who: Reminder.objects.filter(_addressed("address", who)),
        {"event": "event__title", "at": "created_at"},
    ),
    Section(
        "invitations",
        _("Invitations received"),
        lambda who: Invitation.objects.filter(_addressed("address", who)),
        {"meeting": "meeting__name", "role": "role", "at": "sent_at"},
    ),
    Section(
        "invitations_sent",
        _("Invitations that you sent"),
        lambda who: Invitation.objects.filter(invited_by__in=who.users),
        # Whom they invited is the data of others.
        {"meeting": "meeting__name", "role": "role", "at": "sent_at"},
        for_others=_("Invitations sent"),
    ),
    Section(
        "emails",
        _("Emails that were sent to you"),
        lambda who: Mail.objects.filter(_addressed("to", who)),
        {"subject": "subject", "at": "created_at", "sent_at": "sent_at"},
        for_others=_("Emails received"),
    ),
    Section(
        "live_actions",
        _("Starts and stops of lives"),
        lambda who: Transition.objects.filter(actor__in=who.users),
        {"webinar": "livestream__meeting__name", "action": "trigger", "at": "at"},
    ),
    Section(
        "administration",
        _("Changes in the administration"),
        lambda who: LogEntry.objects.filter(user__in=who.users),
        {"at": "action_time", "what": "object_repr"},
    ),
)
"""Every kind. A test fails for a table with a person's name, address or viewer's name that none of them reads."""


def counts(person: Subject) -> list[tuple[Section, int]]:
    """How many rows of each kind there are; kinds of which there are none are left out."""
    found = [(section, section.rows(person).count()) for section in SECTIONS]
    return [(section, count) for section, count in found if count]


def copy_of(person: Subject, *, most: int | None = MOST_ROWS, now: datetime | None = None) -> dict[str, Any]:
    """All that is kept about a person, for JSON.

    Args:
        person: whose.
        most: rows of one kind; None for all.
        now: when the copy is made.
    """
    copy: dict[str, Any] = {"made_at": now or timezone.now()}
    for section in SECTIONS:
        rows = section.rows(person).order_by("-pk").values_list(*section.columns.values())
        copy[section.key] = [dict(zip(section.columns, row, strict=True)) for row in rows[:most]]
    return copy
