"""Rights that depend on the person alone. Rights to one meeting or event are in `amphi.pages.access`."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from amphi.accounts.models import User


def can_create_webinar(user: User | AnonymousUser) -> bool:
    """Whether `user` may make webinars, by the settings ``MEETING_WEBINAR_AFFILIATION`` and ``MEETING_WEBINAR_GROUP_ADMIN``."""
    if not settings.USE_MEETING_WEBINAR or not isinstance(user, User) or not user.is_active:
        return False
    allowed = settings.MEETING_WEBINAR_AFFILIATION
    return (
        user.is_superuser
        or not _affiliations(user).isdisjoint(allowed)
        or user.access_groups.filter(code_name__in=allowed).exists()
        or user.groups.filter(name=settings.MEETING_WEBINAR_GROUP_ADMIN).exists()
    )


def can_edit_meetings(user: User | AnonymousUser) -> bool:
    """Whether `user` may make, change and delete meetings. Starting needs no such right, only that they moderate the meeting."""
    return isinstance(user, User) and (
        user.is_staff
        or not settings.RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY
        or not _affiliations(user).isdisjoint(settings.AFFILIATION_STAFF)
    )


def _affiliations(user: User) -> set[str]:
    return {user.affiliation, *user.affiliations}
