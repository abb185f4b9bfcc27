"""Fills the demo's database with accounts, gateways and a webinar. A second run adds nothing. Needs Django set up."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.audience.models import Broadcaster
from amphi.meetings.domain import MeetingFields
from amphi.webinars.models import LiveGateway, Livestream
from amphi.webinars.saving import create_meeting


def fill_accounts(passwords: dict[str, str], *, new: bool) -> None:
    """Create the presenter, the listeners and the administrator.

    Args:
        passwords: the password of each username.
        new: the passwords were just generated, so existing accounts must get them too.
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
        # Hashing is slow by design, so do it only when needed.
        if created or new:
            user.set_password(passwords[username])
            user.save(update_fields=["password"])


def fill_gateways(streams: list[dict[str, str]], gateway_url: str, gateway_token: str) -> None:
    """Create or update the broadcasters and live gateways, with the present addresses of the parts."""
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
    """Create a future webinar, unless the presenter has one."""
    presenter = User.objects.get(username="camille")
    now = timezone.now()
    if Livestream.objects.filter(meeting__owner=presenter, ends_at__gt=now).exists():
        return
    # At least an hour ahead, so that both gateways are free for the visitor's first trials and a rehearsal.
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
            # No gateway was free, so the webinar would become a plain meeting: keep nothing instead.
            transaction.set_rollback(True)
