"""Which account somebody gets who signed on, what it learns of them, and how its sessions end.

The account is found by provider and subject alone. An account that has the same name or the same email address is another one, until an
administrator links them: else whoever gets a name or an address anywhere would own what stands under it here.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from amphi.accounts.models import AccessGroup, Identity, SignOnSession, User
from amphi.signon.person import LONGEST_NAME, Person

TRIES = 3
OF_COURSES = "lti "
"""How the names of learning platforms begin among providers. They tell of courses, and no affiliations."""
_NOT_IN_NAMES = re.compile(r"[^\w.@+-]+")


class AccountClosedError(Exception):
    """The person's account was closed by an administrator."""


def account_of(person: Person, *, decides_rights: bool = True) -> tuple[User, Identity]:
    """The account of `person`, made if there is none, with the names, affiliations and groups of today.

    Args:
        person: who signed on.
        decides_rights: whether what other systems said before the longest session now counts nothing. It is no word of the university
            on somebody that they came from a course.

    Raises:
        AccountClosedError: it is not active.
    """
    for _ in range(TRIES):
        identity = _identity(person)
        with transaction.atomic():
            user = User.objects.select_for_update().filter(pk=identity.user_id).first()
            # Taken from the account, or the account merged into another one, in this moment: look again.
            if user is None or not Identity.objects.filter(pk=identity.pk, user=user).exists():
                continue
            if not user.is_active:
                raise AccountClosedError
            old = _told_long_ago(user, identity) if decides_rights else Identity.objects.none()
            _refresh(user, identity, person, old)
            _give_groups(user, identity, person, old)
            return user, identity
    raise AccountClosedError


def _told_long_ago(user: User, identity: Identity) -> QuerySet[Identity]:
    """By what else `user` signed on, so long ago that no session of it lasts: what was said then may have been withdrawn since."""
    since = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    others = Identity.objects.filter(user=user).exclude(pk=identity.pk)
    return others.filter(Q(seen_at=None) | Q(seen_at__lt=since)).exclude(provider__startswith=OF_COURSES)


def _identity(person: Person) -> Identity:
    known = Identity.objects.filter(provider=person.provider, subject=person.subject)
    for _ in range(TRIES):
        found = known.first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                user = User(username=_free_name(person.username), affiliation=settings.DEFAULT_AFFILIATION)
                user.set_unusable_password()
                user.save()
                return Identity.objects.create(user=user, provider=person.provider, subject=person.subject)
        except IntegrityError:
            # Another request made the account, or took the name, in this moment.
            continue
    return known.get()


def _free_name(wished: str) -> str:
    """A name for a new account: the wished one, or with a number when it is taken, in whatever case."""
    name = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFKC", wished)).strip("-")[: LONGEST_NAME - 8] or "x"
    taken = {
        one.casefold()
        for one in User.objects.filter(username__istartswith=name).values_list("username", flat=True)
    }
    if name.casefold() not in taken:
        return name
    return next(
        f"{name}-{number}"
        for number in range(2, len(taken) + 3)
        if f"{name}-{number}".casefold() not in taken
    )


def _refresh(user: User, identity: Identity, person: Person, old: QuerySet[Identity]) -> None:
    """Take over what the provider tells. What it does not tell stays, but for affiliations that it told before, or another one long ago."""
    for name in ("first_name", "last_name", "email"):
        setattr(user, name, getattr(person, name) or getattr(user, name))
    told = user.identities.filter(told_affiliation=True).exclude(pk=identity.pk)
    is_old = old.filter(told_affiliation=True).exists() and not told.exclude(pk__in=old.values("pk")).exists()
    if person.affiliations or identity.told_affiliation or is_old:
        user.affiliation = person.primary_affiliation or settings.DEFAULT_AFFILIATION
        user.affiliations = list(person.affiliations)
        identity.told_affiliation |= bool(person.affiliations)
    user.save(update_fields=["first_name", "last_name", "email", "affiliation", "affiliations"])
    identity.seen_at = timezone.now()
    identity.save(update_fields=["told_affiliation", "seen_at"])


def _give_groups(user: User, identity: Identity, person: Person, old: QuerySet[Identity]) -> None:
    """Give the groups of today, and take away those of the last login, and of `old` ones, that are not among them."""
    _make_groups(person.affiliations if settings.CREATE_GROUP_FROM_AFFILIATION else ())
    _make_groups(person.groups if settings.CREATE_GROUP_FROM_GROUPS else ())
    codes = {*person.affiliations, *person.groups}
    now = set(AccessGroup.objects.filter(code_name__in=codes))
    take_groups(user, Identity.objects.filter(Q(pk=identity.pk) | Q(pk__in=old)), but=now)
    user.access_groups.add(*now)
    identity.groups.set(now)


def take_groups(user: User, given: QuerySet[Identity], *, but: Collection[AccessGroup] = ()) -> None:
    """Take the groups away that some identities gave, but for some, and for those that others gave too."""
    givers = list(given)
    rows = Identity.groups.through.objects.filter(identity__user=user)
    theirs = rows.filter(identity__in=givers)
    gone = set(theirs.values_list("accessgroup", flat=True)) - {one.pk for one in but}
    kept = rows.exclude(identity__in=givers).values_list("accessgroup", flat=True)
    user.access_groups.remove(*gone.difference(kept))
    theirs.delete()


def _make_groups(codes: Iterable[str]) -> None:
    AccessGroup.objects.bulk_create(
        [AccessGroup(code_name=code, display_name=code) for code in codes], ignore_conflicts=True
    )


# --- sessions


def session_mark(provider: str, name: str) -> str:
    """What is kept of the provider's name of a session, which is a secret with some."""
    return hashlib.sha256(f"{provider}\0{name}".encode(errors="surrogatepass")).hexdigest()


def remember_session(session: SessionBase, identity: Identity, person: Person) -> None:
    """Keep which session `person`'s login began, so that the provider can end it."""
    if not session.session_key:
        session.create()
    session.save()
    SignOnSession.objects.update_or_create(
        session_id=session.session_key,
        defaults={"identity": identity, "mark": session_mark(person.provider, person.session)},
    )


def end_session(provider: str, name: str) -> int:
    """End the sessions that `provider` calls `name`; returns how many there were."""
    return _end(SignOnSession.objects.filter(mark=session_mark(provider, name), identity__provider=provider))


def end_sessions_of(provider: str, subject: str) -> int:
    """End all sessions that somebody began by `provider`; returns how many there were."""
    return _end(SignOnSession.objects.filter(identity__provider=provider, identity__subject=subject))


def end_sessions_by(identity: Identity) -> int:
    """End all sessions that began with `identity`; returns how many there were."""
    return _end(SignOnSession.objects.filter(identity=identity))


def end_sessions_of_account(user: User) -> int:
    """End all sessions of `user` that began with a sign-on; returns how many there were."""
    return _end(SignOnSession.objects.filter(identity__user=user))


def _end(found: QuerySet[SignOnSession]) -> int:
    ended = list(found.values_list("session_id", "identity__user"))
    Session.objects.filter(pk__in=[key for key, _ in ended]).delete()
    end_tickets({user for _, user in ended})
    return len(ended)


def end_tickets(users: Collection[int]) -> None:
    """End the tickets of some accounts to what is not open to all; where they are still logged in, their pages get new ones."""
    User.objects.filter(pk__in=users).update(tickets_epoch=F("tickets_epoch") + 1)
