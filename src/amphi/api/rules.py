"""Who may do what by the API. The rules are those of the pages (`rights` of each package); here they load what an address names.

What a person must not know of is 404; what they may see but not do is 403.
"""

from typing import Annotated

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Path

from amphi.accounts.models import User
from amphi.accounts.rights import can_create_webinar, can_edit_meetings
from amphi.audience.models import Airing, Event, Replay
from amphi.audience.replays.rights import can_see
from amphi.audience.rights import admits_account, can_find, moderates_event
from amphi.meetings.models import Meeting, Session
from amphi.meetings.rights import can_moderate
from amphi.webinars.models import Livestream

Slug = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,300}$")]
"""Letters, digits and hyphens, as addresses of pages have it."""
Number = Annotated[int, Path(ge=1, lt=2**63)]


def moderated(user: User, slug: str) -> Meeting:
    """The meeting or webinar `slug`, for those who moderate it."""
    meeting = get_object_or_404(Meeting.objects.select_related("owner", "site"), slug=slug)
    if not can_moderate(user, meeting):
        raise PermissionDenied
    return meeting


def plain(user: User, slug: str) -> Meeting:
    """The same, of a meeting that is no webinar."""
    meeting = moderated(user, slug)
    if settings.USE_MEETING_WEBINAR and Livestream.objects.filter(meeting=meeting).exists():
        raise Http404
    return meeting


def webinar(user: User, slug: str) -> Livestream:
    """The same, of a webinar."""
    meeting = moderated(user, slug)
    rows = Livestream.objects.select_related(
        "event", "meeting__owner", "meeting__site", "gateway__broadcaster"
    )
    livestream = rows.filter(meeting=meeting).first() if settings.USE_MEETING_WEBINAR else None
    if livestream is None:
        raise Http404
    return livestream


def check_plans(user: User, *, webinars: bool = False) -> None:
    """Whether `user` may make and change meetings, and webinars."""
    if not can_edit_meetings(user) or (webinars and not can_create_webinar(user)):
        raise PermissionDenied


def found(user: User, slug: str) -> Event:
    """The event `slug`, for those who may know of it."""
    event = get_object_or_404(Event.objects.select_related("broadcaster", "owner"), slug=slug)
    if not can_find(user, event):
        raise Http404
    return event


def admitted(user: User, slug: str) -> Event:
    """The event `slug`, for those who may watch it by their account alone."""
    event = found(user, slug)
    if not admits_account(user, event):
        raise PermissionDenied
    return event


def presented(user: User, slug: str) -> Event:
    """The event `slug`, for those who keep order there."""
    event = found(user, slug)
    if not moderates_event(user, event):
        raise PermissionDenied
    return event


def airing(livestream: Livestream, number: int) -> Airing:
    """One airing of a webinar."""
    return get_object_or_404(Airing, pk=number, event=livestream.event_id)


def session(meeting: Meeting, number: int) -> Session:
    """One session of a meeting."""
    return get_object_or_404(Session, pk=number, meeting=meeting)


def replay(user: User, slug: str, number: int, *, presents: bool) -> Replay:
    """One replay of an event, for those who may see it or, with `presents`, decide about it."""
    event = presented(user, slug) if presents else found(user, slug)
    rows = Replay.objects.select_related("airing__event__broadcaster", "airing__event__owner")
    one = get_object_or_404(rows, pk=number, airing__event=event)
    if not presents and not can_see(user, one):
        raise Http404
    return one


def check_administers(user: User) -> None:
    """Whether `user` is an administrator of the platform."""
    if not user.is_superuser:
        raise PermissionDenied
