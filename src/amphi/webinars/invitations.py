"""Inviting people by email; each gets the link for their role."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.mails import domain as mails
from amphi.mails.models import Mail
from amphi.meetings import calendar
from amphi.meetings.domain import rule_of
from amphi.meetings.exceptions import TooManyInvitationsError
from amphi.meetings.models import Invitation, Meeting
from amphi.meetings.queries import when
from amphi.webinars import planning
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import Livestream, Removal
from amphi.webinars.offers import livestream_of

log = logging.getLogger(__name__)

Role = Invitation.Role
MOST_ADDRESSES = 200
"""The most addresses in one request."""
MOST_IN_AN_HOUR, MOST_IN_A_DAY = 500, 1000
"""The most emails that one person may send, so that a stolen account can't flood others. Each email counts, also a repeated one."""
PRESSED_TWICE = timedelta(minutes=1)
"""The same email to the same person within this time counts as a double click, and is sent once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The content of an invitation.

    Attributes:
        role: the role of the people invited, which decides on their link.
        language: ``fr`` or ``en``, for people whose language is not known.
        word: a personal message; may be empty.
        is_update: they were invited before, and learn what changed.
    """

    role: Role
    language: str
    word: str = ""
    is_update: bool = False


def presenters_url(meeting: Meeting) -> str:
    """The presenters' link into the meeting. For a webinar it contains a key, since everybody else belongs on its live page."""
    if livestream_of(meeting) is not None:
        path = reverse("meetings:join_invited", args=[meeting.slug, meeting.presenter_key])
    else:
        path = reverse("meetings:join", args=[meeting.slug])
    return settings.AMPHI_URL + path


def url_for(meeting: Meeting, role: Role) -> str:
    """The link for `role`: the live page for listeners, the meeting for all others."""
    livestream = livestream_of(meeting)
    if role == Role.LISTENER and livestream is not None:
        return settings.AMPHI_URL + livestream.event.get_absolute_url()
    return presenters_url(meeting)


def roles_of(meeting: Meeting) -> list[Role]:
    """The roles in which people can be invited to `meeting`."""
    return [Role.LISTENER, Role.PRESENTER] if livestream_of(meeting) is not None else [Role.PARTICIPANT]


def write(meeting: Meeting, reader: mails.Reader, letter: Letter, *, user: User) -> Mail:
    """The invitation to one reader, with its calendar entry; nothing is saved."""
    url = url_for(meeting, letter.role)
    context = {
        "meeting": meeting,
        "letter": letter,
        "sender": user,
        "url": url,
        "asks_login": meeting.is_restricted and letter.role != Role.PRESENTER,
        "password": "" if letter.role == Role.PRESENTER else meeting.password,
        "when": when(meeting, timezone.now()),
        "zone": timezone.get_current_timezone_name(),
    }
    with translation.override(reader.language or letter.language):
        about = "\n\n".join(
            part for part in (_("Join: %(url)s") % {"url": url}, letter.word, meeting.description) if part
        )
    # A personal room has no date to put into a calendar.
    entry = "" if meeting.is_personal else calendar.write(_entry(meeting, reader, url=url, about=about))
    return mails.compose(reader, "invitation", context, calendar=entry, sender=user)


def _entry(meeting: Meeting, reader: mails.Reader, *, url: str, about: str) -> calendar.Invite:
    return calendar.Invite(
        uid=calendar.uid_of(meeting.bbb_id, urlsplit(settings.AMPHI_URL).hostname or "amphi"),
        sequence=meeting.calendar_sequence,
        summary=meeting.name,
        description=about,
        url=url,
        start_at=meeting.start_at,
        end_at=meeting.end_at,
        organizer=calendar.Person(meeting.owner.email or settings.DEFAULT_FROM_EMAIL, str(meeting.owner)),
        attendee=calendar.Person(reader.address),
        stamp=timezone.now(),
        again=_again(meeting),
    )


def _again(meeting: Meeting) -> calendar.Again | None:
    rule = rule_of(meeting)
    if rule is None:
        return None
    starts = list(meeting.occurrences.values_list("start_at", flat=True))
    zone = ZoneInfo(timezone.get_default_timezone_name())
    return calendar.Again(rule, len(starts), zone, starts[-1]) if len(starts) > 1 else None


def _readers(addresses: Iterable[str], language: str) -> list[mails.Reader]:
    wanted = {address.lower(): address for address in addresses}
    # Directories often write addresses with capitals, which people don't type.
    known = User.objects.annotate(lower=Lower("email")).filter(lower__in=wanted).exclude(language="")
    spoken = dict(known.order_by("pk").values_list("lower", "language"))
    return [mails.Reader(address, spoken.get(lower, language)) for lower, address in wanted.items()]


def _locked(meeting: Meeting) -> Meeting:
    """Read and lock `meeting`, so that nobody can delete it while people are being invited."""
    row = planning.lock_meeting(meeting)
    if row is None or Livestream.objects.filter(meeting=row, removal=Removal.DELETE).exists():
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    return row


def _check_limit(user: User, number: int) -> None:
    """Refuse `number` more emails if `user` would exceed the limits. Locks `user`, so that two requests at once are both counted."""
    sent = Mail.objects.filter(sender=user)
    for most, length in ((MOST_IN_AN_HOUR, timedelta(hours=1)), (MOST_IN_A_DAY, timedelta(days=1))):
        if sent.filter(created_at__gt=timezone.now() - length).count() + number > most:
            raise TooManyInvitationsError(
                _("At most %(hour)s emails can be sent in an hour, and %(day)s in a day. Try again later.")
                % {"hour": MOST_IN_AN_HOUR, "day": MOST_IN_A_DAY}
            )


def _not_sent_just_now(written: list[Mail], *, user: User) -> list[Mail]:
    """The emails of `written` that `user` did not send, identical, a moment ago."""
    just_now = Mail.objects.filter(sender=user, created_at__gt=timezone.now() - PRESSED_TWICE)
    sent = set(just_now.values_list("to", "subject", "text"))
    return [mail for mail in written if (mail.to, mail.subject, mail.text) not in sent]


@transaction.atomic
def invite(meeting: Meeting, addresses: Iterable[str], letter: Letter, *, user: User) -> int:
    """Write to each address once, and remember who was invited.

    Returns:
        How many emails will be sent, without those repeated by a double click.

    Raises:
        MeetingDeletedError: `meeting` was deleted meanwhile, or is being deleted.
        TooManyInvitationsError: `user` would exceed the limit of emails in an hour or a day.
    """
    meeting = _locked(meeting)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    readers = _readers(addresses, letter.language)
    written = _not_sent_just_now([write(meeting, one, letter, user=user) for one in readers], user=user)
    _check_limit(user, len(written))
    Mail.objects.bulk_create(written)
    Invitation.objects.bulk_create(
        [
            Invitation(
                meeting=meeting,
                address=reader.address.lower(),
                role=letter.role,
                language=reader.language,
                invited_by=user,
                sent_at=timezone.now(),
            )
            for reader in readers
        ],
        update_conflicts=True,
        unique_fields=["meeting", "address"],
        update_fields=["role", "language", "invited_by", "sent_at"],
    )
    log.info("invite for meeting %s: %s mails by user %s", meeting.pk, len(written), user.pk)
    return len(written)


@transaction.atomic
def invite_again(meeting: Meeting, *, user: User) -> int:
    """Send the current state of the meeting to everybody who was invited, each in the role of their invitation.

    Raises:
        TooManyInvitationsError: as `invite`.
    """
    groups: dict[tuple[Role, str], list[str]] = {}
    for one in meeting.invitations.all():
        role = Role(one.role)
        kept = role if role in roles_of(meeting) else roles_of(meeting)[0]
        groups.setdefault((kept, one.language), []).append(one.address)
    return sum(
        invite(meeting, addresses, Letter(role=role, language=language, is_update=True), user=user)
        for (role, language), addresses in groups.items()
    )


def cancel(meeting: Meeting, *, user: User) -> int:
    """Tell everybody who was invited that `meeting` is cancelled, in the caller's transaction.

    The email removes it from their calendars (RFC 5546, section 3.2.5).

    Returns:
        How many emails will be sent.
    """
    people = [mails.Reader(one.address, one.language) for one in meeting.invitations.all()]
    context = {
        "meeting": meeting,
        "sender": user,
        "when": when(meeting, timezone.now()),
        "zone": timezone.get_current_timezone_name(),
    }
    Mail.objects.bulk_create(
        mails.compose(one, "cancelled", context, calendar=_cancellation(meeting, one), sender=user)
        for one in people
    )
    log.info("cancel for meeting %s: %s mails by user %s", meeting.pk, len(people), user.pk)
    return len(people)


def _cancellation(meeting: Meeting, reader: mails.Reader) -> str:
    if meeting.is_personal:
        return ""
    entry = _entry(meeting, reader, url=settings.AMPHI_URL, about="")
    return calendar.write(replace(entry, sequence=entry.sequence + 1, is_cancelled=True))
