"""What a first visitor finds. Filled again, nothing is added. Needs Django set up."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.audience.models import Broadcaster
from amphi.meetings.domain import MeetingFields
from amphi.webinars.models import LiveGateway, Livestream
from amphi.webinars.saving import create_meeting


def fill_accounts(passwords: dict[str, str], *, new: bool) -> None:
    """The presenter, the listeners and the administrator.

    Args:
        passwords: of each username.
        new: they were just made, so accounts that are there already have others.
    """
    groups = {
        code: AccessGroup.objects.get_or_create(code_name=code, defaults={"display_name": name})[0]
        for code, name in (("students", "Étudiantes et étudiants"), ("staff", "Personnels"))
    }
    people = {
        "camille": ("Camille", "Martin", "faculty", "staff"),
        "lea": ("Léa", "Bernard", "student", "students"),
        "hugo": ("Hugo", "Petit", "student", "students"),
        "admin": ("Dominique", "Laurent", "staff", "staff"),
    }
    for username, (first_name, last_name, affiliation, group) in people.items():
        user, created = User.objects.get_or_create(
            username=username,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{username}@demo.invalid",
                "affiliation": affiliation,
                "is_staff": username == "admin",
                "is_superuser": username == "admin",
            },
        )
        if created:
            user.access_groups.add(groups[group])
        # Hashing is slow by design: it is done when it must be.
        if created or new:
            user.set_password(passwords[username])
            user.save(update_fields=["password"])


def fill_gateways(streams: list[dict[str, str]], gateway_url: str, gateway_token: str) -> None:
    """The broadcasters and live gateways, at the addresses that the parts have this time."""
    for stream in streams:
        broadcaster, _ = Broadcaster.objects.update_or_create(
            slug=stream["name"],
            defaults={"name": stream["title"], "hls_url": stream["hls_url"], "has_tickets": True},
        )
        LiveGateway.objects.update_or_create(
            broadcaster=broadcaster,
            defaults={
                "rtmp_stream_url": stream["rtmp_url"],
                "dialect": LiveGateway.Dialect.AMPHI,
                "sipmediagw_url": gateway_url,
                "sipmediagw_token": gateway_token,
            },
        )


def fill_webinar() -> None:
    """A webinar to come, unless the presenter has one."""
    presenter = User.objects.get(username="camille")
    now = timezone.now()
    if Livestream.objects.filter(meeting__owner=presenter, ends_at__gt=now).exists():
        return
    # An hour at least: until then both gateways are free for whatever the visitor tries, a rehearsal among it.
    start_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    fields = MeetingFields(
        name="Conférence inaugurale\u202f: la lumière, de Fresnel aux lasers",
        description="Une heure de cours ouvert à toutes et à tous, puis vos questions dans la conversation.",
        start_at=start_at,
        duration=timedelta(hours=2),
        is_webinar=True,
    )
    with transaction.atomic():
        if create_meeting(user=presenter, fields=fields).conflict is not None:
            # Somebody tries the demo with gateways booked: no plain meeting is left behind in the webinar's place.
            transaction.set_rollback(True)
