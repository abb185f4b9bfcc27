"""Erasing a person (article 17 of the GDPR): what goes, what stays without their name since others need it, and what is said before."""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.accounts.models import User
from amphi.audience.forgetting import forget_person, name_of_nobody
from amphi.audience.models import Event
from amphi.mails.models import Mail
from amphi.meetings.models import Attendance, Invitation, Meeting
from amphi.meetings.queries import when
from amphi.privacy.exceptions import ErasureError
from amphi.privacy.holdings import Subject
from amphi.webinars import deletion, planning, removal
from amphi.webinars.models import Livestream, Removal

log = logging.getLogger(__name__)


def consequences(person: Subject) -> list[str]:
    """What erasing a person will do, in sentences for them."""
    owned = [meeting for user in person.users for meeting in user.owned_meetings.all()]
    shared = sum(_heir(meeting) is not None for meeting in owned)
    gone = len(owned) - shared
    said = [_("The account, its access tokens and its registrations are deleted. This can’t be undone.")]
    if gone:
        said.append(
            ngettext(
                "%(number)s meeting or webinar is deleted, with its live event, its discussion and its replays. Those who are "
                "invited to one that is still to come get an email.",
                "%(number)s meetings or webinars are deleted, with their live events, their discussions and their replays. Those "
                "who are invited to one that is still to come get an email.",
                gone,
            )
            % {"number": gone}
        )
    if shared:
        said.append(
            ngettext(
                "%(number)s meeting or webinar that others present too goes on: one of them becomes its owner.",
                "%(number)s meetings or webinars that others present too go on: one of them becomes the owner.",
                shared,
            )
            % {"number": shared}
        )
    return [*said, *_what_stays()]


def _what_stays() -> list[str]:
    return [
        _("Messages and questions stay where others answered them, under the name “Deleted account”."),
        _("Votes still count, and the number of people who attended stays, both without a name."),
        _("What was said in a live stays in the replays and captions of others: ask those who present."),
        _(
            "Copies for the case of a failure (backups), the server’s logs and what other systems of the institution were told "
            "keep it until they are replaced: %(days)s days here."
        )
        % {"days": settings.LOG_DAYS},
        _("Who logs in again by the university’s system gets a new, empty account."),
    ]


def erase(person: Subject) -> None:
    """Erase a person. After an interruption it is begun again, and carries on.

    Raises:
        ErasureError: something of theirs runs now, or nobody would administer the platform any more.
    """
    for user in person.users:
        _check(user)
    for user in person.users:
        for meeting in user.owned_meetings.select_related("site"):
            _give_up(meeting, user)
        for event in user.owned_events.filter(livestream=None):
            _give_up_event(event)
    with transaction.atomic():
        _forget(person)
    log.info("erase: %s accounts", len(person.users))


def _check(user: User) -> None:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise ErasureError(_("This is the only administrator. Make another one first."))
    for meeting in user.owned_meetings.all():
        livestream = Livestream.objects.filter(meeting=meeting).first()
        runs = meeting.is_open or (
            livestream is not None and removal.must_stop_first(livestream, Removal.DELETE)
        )
        if runs and _heir(meeting) is None:
            raise ErasureError(
                _("“%(name)s” is running. End it first, then try again.") % {"name": meeting.name}
            )


def _heir(meeting: Meeting) -> User | None:
    """Who becomes the owner: whoever presents it besides, and can log in."""
    if meeting.is_personal:
        return None
    return (
        meeting.additional_owners.filter(is_active=True).exclude(pk=meeting.owner_id).order_by("pk").first()
    )


def _give_up(meeting: Meeting, user: User) -> None:
    heir, now = _heir(meeting), timezone.now()
    if heir is None:
        deletion.delete(meeting, user=user, tells_invited=when(meeting, now).end_at > now)
        return
    with transaction.atomic():
        held = planning.lock(meeting)
        if held is None:
            return
        Meeting.objects.filter(pk=meeting.pk).update(owner=heir)
        held.meeting.additional_owners.remove(heir)
        if held.livestream is not None:
            Event.objects.filter(pk=held.livestream.event_id).update(owner=heir)
            held.livestream.event.additional_owners.remove(heir)


def _give_up_event(event: Event) -> None:
    heir = event.additional_owners.filter(is_active=True).exclude(pk=event.owner_id).order_by("pk").first()
    if heir is None:
        event.delete()
        return
    Event.objects.filter(pk=event.pk).update(owner=heir)
    event.additional_owners.remove(heir)


def _forget(person: Subject) -> None:
    """The rows that bear their name, and the accounts last."""
    ids = [user.pk for user in person.users]
    forget_person(user_ids=ids, address=person.address)
    Attendance.objects.filter(user__in=ids).update(user=None, name=name_of_nobody())
    for meeting in Meeting.objects.filter(invitations__invited_by__in=ids).distinct():
        meeting.invitations.filter(invited_by__in=ids).update(invited_by=meeting.owner_id)
    if person.address:
        Invitation.objects.filter(address__iexact=person.address).delete()
    addresses = {person.address, *(user.email for user in person.users)} - {""}
    for address in addresses:
        Mail.objects.filter(Q(sent_at__isnull=False) | Q(attempt_at=None), to__iexact=address).delete()
    # One by one: whatever still belongs to one stops it here rather than going with it.
    for user in User.objects.filter(pk__in=ids):
        if user.owned_meetings.exists() or user.owned_events.exists():
            raise ErasureError(_("Something new belongs to this account. Try again."))
        user.delete()
