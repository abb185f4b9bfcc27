"""The ways in which one person logs in to one account: they add one by signing on there while they are logged in here, and remove one.

Nothing else links them. Whose identity belongs to another account stays there: administrators merge accounts, after they made sure who asks.
"""

import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amphi.accounts.identities import OF_COURSES, end_sessions_by, take_groups
from amphi.accounts.models import Identity, SignOnSession, User

log = logging.getLogger(__name__)
MOST = 10
"""Ways of one account."""


class WayError(Exception):
    """This way can't be added or removed. The text says why."""


def has_password(user: User) -> bool:
    """Whether `user` logs in with a password of the platform itself; who may enter the administration has its form."""
    known = settings.SIGN_ON
    others = bool(known.passwords) or any(known.buttons())
    return user.has_usable_password() and (user.is_staff or not (settings.HIDE_LOCAL_LOGIN and others))


def is_open(identity: Identity) -> bool:
    """Whether its person can log in by it now."""
    return bool(settings.SIGN_ON.key_of(identity.provider))


def of_courses(identity: Identity) -> bool:
    """Whether it is a learning platform's: grades and courses belong to it, so it is not removed."""
    return identity.provider.startswith(OF_COURSES)


def check(user: User, provider: str, subject: str) -> None:
    """Check that `user` may add who they are for `provider`.

    Raises:
        WayError: they may not; the text says why.
    """
    found = Identity.objects.filter(provider=provider, subject=subject).first()
    if found is not None and found.user_id == user.pk:
        raise WayError(_("You log in to this account that way already."))
    if found is not None:
        raise WayError(
            _(
                "“%(subject)s” already belongs to another account of this platform. Nothing was changed. If both accounts are yours, ask those who run this platform to merge them."
            )
            % {"subject": subject}
        )
    if user.identities.count() >= MOST:
        raise WayError(_("There are too many ways to log in to this account. Remove one first."))


def add(user: User, provider: str, subject: str) -> Identity:
    """Let `user` log in by `provider` too, where they have just signed on as `subject`. What it says of them counts from the next login by it.

    Raises:
        WayError: they may not; the text says why.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        check(user, provider, subject)
        try:
            with transaction.atomic():
                made = Identity.objects.create(user=user, provider=provider, subject=subject)
        except IntegrityError:
            # Somebody logged in by it for the first time in this moment.
            check(user, provider, subject)
            raise
    log.info("%s added %s as a way to log in", user.get_username(), provider)
    return made


def remove(user: User, pk: int, *, session_key: str) -> str:
    """Take a way from `user`: sessions of it end, and what it said of them counts nothing any more.

    Args:
        user: whose.
        pk: of the identity.
        session_key: the session of who asks. It is no session of this way, so another one is known to work.

    Returns:
        The system whose way was removed; empty when they have no such way.

    Raises:
        WayError: it stays; the text says why.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        identity = user.identities.filter(pk=pk).first()
        if identity is None:
            return ""
        _check_removal(user, identity, session_key)
        end_sessions_by(identity)
        take_groups(user, user.identities.filter(pk=pk))
        if identity.told_affiliation:
            user.affiliation, user.affiliations = settings.DEFAULT_AFFILIATION, []
            user.save(update_fields=["affiliation", "affiliations"])
        identity.delete()
    log.info("%s removed %s as a way to log in", user.get_username(), identity.provider)
    return identity.provider


def _check_removal(user: User, identity: Identity, session_key: str) -> None:
    if of_courses(identity):
        raise WayError(_("Your courses and grades belong to it: those who run this platform can remove it."))
    if SignOnSession.objects.filter(session_id=session_key, identity=identity).exists():
        raise WayError(_("You are logged in that way now. Log in another way first, then remove it."))
    others = [one for one in user.identities.exclude(pk=identity.pk) if is_open(one) and not of_courses(one)]
    if not others and not has_password(user):
        raise WayError(_("It is the only way to log in to this account. Add another one first."))
