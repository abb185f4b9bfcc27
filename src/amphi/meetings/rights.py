"""Rights of people to one meeting: the same rules for pages and for the API."""

from django.contrib.auth.models import AnonymousUser

from amphi.accounts.models import User
from amphi.meetings.models import Meeting


def can_moderate(user: User | AnonymousUser, meeting: Meeting) -> bool:
    """Whether `user` may start, change and end `meeting`: its owner, co-owners and superusers may."""
    if not isinstance(user, User):
        return False
    return (
        user.is_superuser
        or meeting.owner_id == user.pk
        or meeting.additional_owners.filter(pk=user.pk).exists()
    )


def can_join(user: User | AnonymousUser, meeting: Meeting) -> bool:
    """Whether `user` may enter a plain `meeting` by its link. The join page asks for the password."""
    if not meeting.is_restricted or can_moderate(user, meeting):
        return True
    if not isinstance(user, User):
        return False
    groups = meeting.access_groups.all()
    return not groups or user.access_groups.filter(pk__in=[group.pk for group in groups]).exists()
