"""Who may watch an event: asked for one person by a page, and for all who hold tickets while they watch. One rule, in both forms."""

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.crypto import salted_hmac

from amphi.accounts.models import User
from amphi.audience.claims import Claim
from amphi.audience.models import Event
from amphi.audience.queries import reading


def owns_event(user: User | AnonymousUser, event: Event) -> bool:
    """Whether `user` is behind `event`, so that drafts, restrictions and passwords don't keep them out."""
    if not isinstance(user, User):
        return False
    return (
        user.is_superuser or event.owner_id == user.pk or event.additional_owners.filter(pk=user.pk).exists()
    )


def can_watch(user: User | AnonymousUser, event: Event) -> bool:
    """Whether `user` may see the live page, its stream of events and its picture; the password is the door's matter."""
    if owns_event(user, event):
        return True
    if event.is_draft:
        return False
    if not event.is_restricted:
        return True
    if not isinstance(user, User):
        return False
    groups = event.access_groups.all()
    return not groups or user.access_groups.filter(pk__in=[group.pk for group in groups]).exists()


def password_mark(event: Event) -> str:
    """What a ticket says of the password that was given for it: another one ends it. Empty without a password."""
    if not event.password:
        return ""
    return salted_hmac("amphi.audience.password_mark", f"{event.pk}:{event.password}").hexdigest()[:16]


@reading
def refused(claims: Collection[Claim]) -> AbstractSet[Claim]:
    """Those of `claims` that are not good now, by the rule of `can_watch` and of the event's password.

    Raises:
        LogUnavailableError: the database can't be read just now.
    """
    by_event: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_event[claim.event_id].append(claim)
    events = Event.objects.in_bulk(by_event)
    found: set[Claim] = set()
    for event_id, held in by_event.items():
        event = events.get(event_id)
        found |= set(held) if event is None else _refused(event, held)
    return found


def _refused(event: Event, claims: list[Claim]) -> set[Claim]:
    mark = password_mark(event)
    # The usual event, which is open to all, costs no look at people.
    if not (event.is_draft or event.is_restricted or mark):
        return set()
    people = {claim: int(claim.viewer[1:]) for claim in claims if claim.viewer.startswith("u")}
    owners = _owners(event, people.values())
    guests = {claim for claim in claims if people.get(claim) not in owners}
    if event.is_draft:
        return guests
    members = _members(event, people.values()) if event.is_restricted else set()
    return {
        claim
        for claim in guests
        if (mark and claim.password_mark != mark)
        or (event.is_restricted and people.get(claim) not in members)
    }


def _owners(event: Event, people: Collection[int]) -> set[int]:
    behind = Q(is_superuser=True) | Q(pk=event.owner_id) | Q(co_owned_events=event)
    return set(User.objects.filter(behind, pk__in=people, is_active=True).values_list("pk", flat=True))


def _members(event: Event, people: Collection[int]) -> set[int]:
    groups = list(event.access_groups.values_list("pk", flat=True))
    found = User.objects.filter(pk__in=people, is_active=True)
    if groups:
        found = found.filter(access_groups__in=groups)
    return set(found.values_list("pk", flat=True))
