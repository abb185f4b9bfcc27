"""Fills the demo's database with accounts, gateways and webinars. A second run adds nothing. Needs Django set up."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.audience import letters, registration
from amphi.audience.models import Broadcaster, Event, Registration
from amphi.demo import lecture, talk
from amphi.demo.past import fill_past
from amphi.meetings.domain import MeetingFields
from amphi.meetings.models import Meeting
from amphi.webinars.models import LiveGateway, Livestream
from amphi.webinars.saving import create_meeting

TODAY = (
    "Conférence inaugurale\u202f: la lumière, de Fresnel aux lasers",
    "Une heure de cours ouvert à toutes et à tous, puis vos questions dans la conversation.",
)
STUDY_DAY = (
    "Journée d’étude\u202f: l’intelligence artificielle dans nos enseignements",
    (
        "Que changent les assistants d’écriture pour les devoirs, les examens et l’accompagnement des étudiantes et étudiants\u202f? Trois retours "
        "d’expérience de composantes, puis une table ronde avec la salle et les personnes à distance. Inscription gratuite, dans la limite des places."
    ),
)
"""Title and description of the webinars to come."""
STUDY_DAY_SPEAKERS = "Camille Martin, Dominique Laurent"
REGISTRATION_IN_DAYS = 9
REGISTRATION_QUESTION = "Quelle question aimeriez-vous voir abordée\u202f?"
REGISTRATION_RULES: dict[str, object] = {
    "capacity": 120,
    "needs_approval": False,
    "asks_organisation": True,
    "questions": [REGISTRATION_QUESTION],
    "thanks": "Merci d’avoir participé à cette journée d’étude. Les supports sont déposés dans l’espace du cours.",
    "missed": "Vous n’avez pas pu suivre la journée d’étude\u202f: les supports sont déposés dans l’espace du cours.",
}
REGISTERED = (
    ("lea", "UFR de lettres", "Comment citer un assistant dans un mémoire\u202f?"),
    ("ines.moreau", "UFR de sciences", ""),
    ("thomas.nguyen", "École d’ingénieurs", "Les examens sur table vont-ils revenir partout\u202f?"),
    ("sarah.cohen", "Faculté de droit", "Que dit le règlement des études\u202f?"),
    ("mathis.leroy", "IUT", ""),
    ("aissatou.diop", "UFR de sciences", "Quelles données ces outils gardent-ils\u202f?"),
    ("adrien.marchand", "Bibliothèque universitaire", "Quelle formation pour les bibliothécaires\u202f?"),
)
"""Who registered: username, organisation, answer."""


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
    _fill_crowd(groups["students"])


def _fill_crowd(students: AccessGroup) -> None:
    """Create the students who listen in the demo; nobody can log in as one of them."""
    for username, first_name, last_name in lecture.CROWD:
        user, created = User.objects.get_or_create(
            username=username,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{username}@demo.invalid",
                "affiliation": "student",
                "password": make_password(None),
            },
        )
        if created:
            user.access_groups.add(students)


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


def remove_alive() -> None:
    """Delete the webinar on the air of an earlier run. Call it only before any part has started: nothing can be running then."""
    meetings = Meeting.objects.filter(owner__username="camille", name=talk.TITLE)
    Event.objects.filter(livestream__meeting__in=meetings).delete()
    meetings.delete()


def fill_webinars() -> None:
    """Create a past webinar, one of today and one that people register for, unless they are there."""
    presenter = User.objects.get(username="camille")
    fill_past(presenter)
    now = timezone.now()
    # At least an hour ahead, so that both gateways are free for the visitor's first trials and a rehearsal.
    today = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    _coming(presenter, TODAY, today, timedelta(hours=2))
    day = timezone.localtime(now) + timedelta(days=REGISTRATION_IN_DAYS)
    morning = day.replace(hour=9, minute=30, second=0, microsecond=0)
    livestream = _coming(presenter, STUDY_DAY, morning, timedelta(hours=3))
    if livestream is not None:
        _open_registration(livestream.event, now)


def _coming(
    presenter: User, about: tuple[str, str], start_at: datetime, duration: timedelta
) -> Livestream | None:
    """Create a webinar; None when there is one of that name that is not over, or no gateway is free."""
    name, description = about
    if Livestream.objects.filter(
        meeting__owner=presenter, meeting__name=name, ends_at__gt=timezone.now()
    ).exists():
        return None
    fields = MeetingFields(
        name=name, description=description, start_at=start_at, duration=duration, is_webinar=True
    )
    with transaction.atomic():
        saved = create_meeting(user=presenter, fields=fields)
        if saved.conflict is not None:
            # No gateway was free, so the webinar would become a plain meeting: keep nothing instead.
            transaction.set_rollback(True)
            return None
    return Livestream.objects.select_related("event").get(meeting=saved.meeting)


def _open_registration(event: Event, now: datetime) -> None:
    """Open registration for `event`; some people have registered."""
    registration.set_rules(event, is_required=True, is_open=True, **REGISTRATION_RULES)
    Event.objects.filter(pk=event.pk).update(speakers=STUDY_DAY_SPEAKERS)
    for username, organisation, answer in REGISTERED:
        user = User.objects.get(username=username)
        Registration.objects.create(
            event=event,
            address=user.email,
            language="fr",
            name=str(user),
            organisation=organisation,
            answers=[(REGISTRATION_QUESTION, answer)] if answer else [],
            user=user,
            **letters.first_columns(Registration, event, now),
            status=Registration.Status.ACCEPTED,
        )
