"""Rows for tests, each made with as little said as possible."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.models import Broadcaster, Event
from amphi.meetings.domain import MeetingFields
from amphi.meetings.models import Meeting
from amphi.webinars import transitions
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, State
from amphi.webinars.saving import create_meeting

_number = itertools.count(1)


def make_user(username: str = "", **fields: Any) -> User:
    """A user of the staff, who may make webinars."""
    username = username or f"user{next(_number)}"
    return User.objects.create_user(
        username=username,
        password="password",
        **{"affiliation": "staff", "email": f"{username}@example.org"} | fields,
    )


def make_gateway(name: str = "", **fields: Any) -> LiveGateway:
    """A live gateway with its broadcaster."""
    name = name or f"room-{next(_number)}"
    broadcaster = Broadcaster.objects.create(
        name=name, slug=name, hls_url=fields.pop("hls_url", f"https://live.example.org/hls/{name}.m3u8")
    )
    return LiveGateway.objects.create(
        **{
            "rtmp_stream_url": f"rtmp://live.example.org/live/{name}?key=secret",
            "broadcaster": broadcaster,
            "dialect": "amphi",
            "sipmediagw_url": "https://gateway.example.org",
            "sipmediagw_token": "token",
        }
        | fields
    )


def in_hours(hours: float) -> datetime:
    """That many hours from now."""
    return timezone.now() + timedelta(hours=hours)


def make_meeting(user: User | None = None, **fields: Any) -> Meeting:
    """A plain meeting, through the domain."""
    user = user or make_user()
    given = {
        "name": f"Meeting {next(_number)}",
        "start_at": in_hours(1),
        "duration": timedelta(hours=1),
    } | fields
    return create_meeting(user=user, fields=MeetingFields(**given)).meeting


def make_webinar(
    user: User | None = None, *, gateway: LiveGateway | None = None, **fields: Any
) -> Livestream:
    """A planned webinar, through the domain; with a gateway of its own unless one is given."""
    if gateway is None and not LiveGateway.objects.exists():
        make_gateway()
    meeting = make_meeting(user, is_webinar=True, **fields)
    return Livestream.objects.select_related("event", "meeting", "gateway__broadcaster").get(meeting=meeting)


def put(livestream: Livestream, state: State, **columns: Any) -> None:
    """Have a live be in `state`, whatever led there; its event knows, and nobody is told."""
    if state in RUNNING:
        columns.setdefault("start_asked_at", timezone.now())
    Livestream.objects.filter(pk=livestream.pk).update(state=state, **columns)
    now = Livestream.objects.select_related("meeting").get(pk=livestream.pk)
    Event.objects.filter(pk=now.event_id).update(
        state=transitions.listeners_state(now),
        since=now.state_since,
        stream_held_since=now.start_asked_at if now.is_running else None,
        is_backstage=now.is_backstage,
    )
