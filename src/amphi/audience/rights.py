"""Who may watch an event. The same rule in two forms: for one person, by pages; and for all ticket holders, while they watch."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q
from django.utils.crypto import salted_hmac

from amphi.accounts.models import User
from amphi.audience.claims import Claim
from amphi.audience.models import Event, Registration, Restraint, Role
from amphi.audience.queries import reading
from amphi.system import rows

ACCEPTED = Registration.Status.ACCEPTED


def standing(user: User | AnonymousUser, event: Event) -> Role | None:
    """Whether `user` presents or moderates in `event`. The database is asked once for each object, so once in a request."""
    if not isinstance(user, User):
        return None
    if user.is_superuser or event.owner_id == user.pk:
        return Role.PRESENTER
    if user.pk not in event.standings:
        event.standings[user.pk] = _standing(user, event)
    return event.standings[user.pk]


def _standing(user: User, event: Event) -> Role | None:
    owns = Event.additional_owners.through.objects.filter(event=OuterRef("pk"), user=user)
    moderates = Event.moderators.through.objects.filter(event=OuterRef("pk"), user=user)
    found = Event.objects.filter(pk=event.pk).values_list(Exists(owns), Exists(moderates)).first()
    if found is None or not any(found):
        return None
    return Role.PRESENTER if found[0] else Role.MODERATOR


def owns_event(user: User | AnonymousUser, event: Event) -> bool:
    """Whether `user` is an owner of `event`, whom drafts, restrictions and passwords don't keep out."""
    return standing(user, event) == Role.PRESENTER


def moderates_event(user: User | AnonymousUser, event: Event) -> bool:
    """Whether `user` keeps order in `event`: handles its discussion, questions, polls and hands."""
    return standing(user, event) is not None


def is_banned(event: Event, viewer: str) -> bool:
    """Whether a moderator excluded a viewer from `event`; whoever keeps order there can't be."""
    return bool(viewer) and rows.exists(
        Restraint, event=event.pk, viewer=viewer, kind=Restraint.Kind.BANNED.value
    )


def can_watch(user: User | AnonymousUser, event: Event, registration: Registration | None = None) -> bool:
    """Whether somebody may see the live page, its event stream and its picture. The password is asked separately.

    Args:
        user: the person who is logged in, if any.
        event: the event.
        registration: the registration whose personal link was opened, if any.
    """
    if moderates_event(user, event):
        return True
    if event.is_draft:
        return False
    if registration is not None and _registration_opens(registration, event):
        return True
    if not meets_restriction(user, event):
        return False
    return not event.needs_registration or (
        isinstance(user, User) and event.registrations.filter(user=user, status=ACCEPTED).exists()
    )


def can_find(user: User | AnonymousUser, event: Event) -> bool:
    """Whether somebody may know of `event` and when it takes place, whether they may watch it or not."""
    return not event.is_draft or owns_event(user, event)


def admits_account(user: User, event: Event) -> bool:
    """Whether an account alone opens `event`: nobody excluded it, and no password is asked of it."""
    if moderates_event(user, event):
        return True
    return not event.password and can_watch(user, event) and not is_banned(event, f"u{user.pk}")


def is_open_to_all(event: Event) -> bool:
    """Whether anybody may watch `event`, whoever they are."""
    return not (event.is_draft or event.is_restricted or event.password or event.needs_registration)


def meets_restriction(user: User | AnonymousUser, event: Event) -> bool:
    """Whether `user` is among those that `event` is restricted to, if it is: they may watch, or register."""
    if not event.is_restricted:
        return True
    if not isinstance(user, User):
        return False
    groups = event.access_groups.all()
    return not groups or user.access_groups.filter(pk__in=[group.pk for group in groups]).exists()


def _registration_opens(registration: Registration, event: Event) -> bool:
    """Whether a personal link opens the page of `event`: of a restricted one, if the person's account is still among the allowed."""
    if registration.event_id != event.pk or not registration.is_good:
        return False
    user = registration.user
    return not event.is_restricted or (user is not None and user.is_active and meets_restriction(user, event))


def registration_key(registration: Registration) -> str:
    """The secret of a personal link: 160 bits, another one for each number."""
    said = f"{registration.pk}:{registration.key_number}"
    return salted_hmac("amphi.audience.registration", said).hexdigest()[:40]


def registration_mark(registration: Registration) -> str:
    """What a ticket says of the personal link it was given for: another link ends it."""
    return registration_key(registration)[:16]


def password_mark(event: Event) -> str:
    """The mark of the event's password in tickets: a new password makes old tickets invalid. Empty without a password."""
    if not event.password:
        return ""
    return salted_hmac("amphi.audience.password_mark", f"{event.pk}:{event.password}").hexdigest()[:16]


@reading
def refused(claims: Collection[Claim]) -> AbstractSet[Claim]:
    """The claims that are not valid now, by the rule of `can_watch` and by the event's password.

    Raises:
        LogUnavailableError: the database can't be read now.
    """
    by_event: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_event[claim.event_id].append(claim)
    events = Event.objects.in_bulk(by_event)
    found: set[Claim] = set()
    for event_id, held in by_event.items():
        event = events.get(event_id)
        found |= set(held) if event is None else refused_of(event, held)
    return found


def refused_of(event: Event, claims: list[Claim]) -> set[Claim]:
    """The claims to `event` that are not valid now."""
    registered = [claim for claim in claims if claim.viewer.startswith("r")]
    refused_ = _refused_registered(event, registered) if registered else set()
    mark = password_mark(event)
    banned = _banned(event)
    # The usual event is open to all, so no people need to be read.
    if not (event.is_draft or event.is_restricted or event.needs_registration or mark or banned):
        return refused_
    people = {claim: int(claim.viewer[1:]) for claim in claims if claim.viewer.startswith("u")}
    refused_ |= _ended(people)
    behind = owners(event, people.values())
    refused_ |= {claim for claim in claims if claim.viewer in banned and people.get(claim) not in behind}
    guests = {claim for claim in claims if people.get(claim) not in behind}.difference(registered)
    if event.is_draft:
        return refused_ | guests
    members = _members(event, people.values()) if event.is_restricted else set()
    known = _registered_people(event, people.values()) if event.needs_registration else set()
    return refused_ | {
        claim
        for claim in guests
        if (mark and claim.password_mark != mark)
        or (event.is_restricted and people.get(claim) not in members)
        or (event.needs_registration and people.get(claim) not in known)
    }


def _ended(people: Mapping[Claim, int]) -> set[Claim]:
    """Those whose tickets were ended since: they logged out, or the system that they signed on by ended their session."""
    epochs = dict(User.objects.filter(pk__in=people.values()).values_list("pk", "tickets_epoch"))
    return {claim for claim, pk in people.items() if epochs.get(pk) != claim.epoch}


def _refused_registered(event: Event, claims: list[Claim]) -> set[Claim]:
    """Those who came by a personal link that opens nothing any more."""
    if event.is_draft:
        return set(claims)
    by_claim = {claim: int(claim.viewer[1:]) for claim in claims}
    found = Registration.objects.filter(event=event, status=ACCEPTED).in_bulk(by_claim.values())
    if event.is_restricted:
        members = _members(event, [row.user_id for row in found.values() if row.user_id is not None])
        found = {pk: row for pk, row in found.items() if row.user_id in members}
    marks = {pk: registration_mark(row) for pk, row in found.items()}
    return {claim for claim, pk in by_claim.items() if marks.get(pk) != claim.password_mark}


def _registered_people(event: Event, people: Collection[int]) -> set[int | None]:
    registered = Registration.objects.filter(event=event, status=ACCEPTED, user__in=people)
    return set(registered.filter(user__is_active=True).values_list("user_id", flat=True))


def _banned(event: Event) -> set[str]:
    excluded = Restraint.objects.filter(event=event, kind=Restraint.Kind.BANNED)
    return set(excluded.values_list("viewer", flat=True))


def owners(event: Event, people: Collection[int]) -> set[int]:
    """Those among some accounts who present or moderate `event`."""
    behind = (
        Q(is_superuser=True) | Q(pk=event.owner_id) | Q(co_owned_events=event) | Q(moderated_events=event)
    )
    return set(User.objects.filter(behind, pk__in=people, is_active=True).values_list("pk", flat=True))


def _members(event: Event, people: Collection[int]) -> set[int]:
    groups = list(event.access_groups.values_list("pk", flat=True))
    found = User.objects.filter(pk__in=people, is_active=True)
    if groups:
        found = found.filter(access_groups__in=groups)
    return set(found.values_list("pk", flat=True))
