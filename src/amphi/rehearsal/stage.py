"""Makes the webinar of a rehearsal in the platform's database, and removes it afterwards. Needs Django set up."""

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.audience.models import Message
from amphi.meetings.domain import MeetingFields
from amphi.rehearsal.exceptions import SetUpError
from amphi.sipmediagw import JobStatus
from amphi.system import tickets
from amphi.webinars import domain as webinars
from amphi.webinars.deletion import delete
from amphi.webinars.models import LiveGateway, Livestream
from amphi.webinars.saving import create_meeting
from amphi.worker.gateways import gateway_for, job_ref

PREFIX = "rehearsal-"
MARGIN = timedelta(minutes=4)
"""Added to the webinar's duration for starting, stopping, restarting and ending it."""
SESSION_LASTS = timedelta(hours=1)
STOP_TIMEOUT_S = 90.0
"""SIPMediaGW 1.5 to 1.7 needs 20 s to stop, and must be asked again when its answer is lost."""
_POLL_S = 0.2


@dataclass(frozen=True)
class Stage:
    """What the robots need.

    Attributes:
        rehearsal: its number, which is part of the picture's clock: 0 to 255.
        token: part of the names of its accounts.
        meeting_id: the database id of the webinar's meeting.
        title: the webinar's title.
        meeting_url: the presenter's page.
        event_url: the listener's page.
        hls_url: the stream, with a ticket if it asks for one.
        presenter_session: the value of the presenter's session cookie.
        listener_session: the value of the listener's session cookie.
        listener_name: the name shown beside the listener's messages.
    """

    rehearsal: int
    token: str
    meeting_id: int
    title: str
    meeting_url: str
    event_url: str
    hls_url: str
    presenter_session: str
    listener_session: str
    listener_name: str


def log_in(user: User, lasts: timedelta = SESSION_LASTS) -> str:
    """Log `user` in without a password; the value of the session's cookie."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(lasts)
    session.create()
    return str(session.session_key)


def _account(token: str, role: str, name: str) -> User:
    user = User(username=f"{PREFIX}{token}-{role}", first_name="Robot", last_name=name)
    user.affiliation = settings.MEETING_WEBINAR_AFFILIATION[0] if role == "presenter" else ""
    user.set_unusable_password()
    user.save()
    return user


def _hls_url(livestream: Livestream, seconds: float) -> str:
    broadcaster = livestream.event.broadcaster
    if not (broadcaster.has_tickets and settings.AMPHI_TICKET_KEY):
        return broadcaster.hls_url
    expires_at = int(time.time() + seconds + MARGIN.total_seconds())
    ticket = tickets.Ticket(livestream.event_id, broadcaster.stream, "s", expires_at)
    return tickets.in_path(broadcaster.hls_url, tickets.mint(settings.AMPHI_TICKET_KEY.encode(), ticket))


def set_up(seconds: float) -> Stage:
    """Create the accounts and a webinar that begins now, and that only the robot listener may watch.

    Raises:
        SetUpError: the platform can't hold a webinar now.
    """
    if not settings.USE_MEETING_WEBINAR:
        raise SetUpError("Webinars are switched off here (USE_MEETING_WEBINAR).")
    if not LiveGateway.objects.exists():
        raise SetUpError("No live gateway is configured.")
    sweep()
    token = secrets.token_hex(4)
    title = f"Répétition générale {token}"
    with transaction.atomic():
        presenter = _account(token, "presenter", "Présentateur")
        listener = _account(token, "listener", "Auditrice")
        group = AccessGroup.objects.create(code_name=f"{PREFIX}{token}", display_name=title)
        listener.access_groups.add(group)
        fields = MeetingFields(
            name=title,
            start_at=timezone.now(),
            duration=timedelta(seconds=seconds) + MARGIN,
            is_webinar=True,
            enable_chat=True,
            is_restricted=True,
            access_groups=[group],
        )
        saved = create_meeting(user=presenter, fields=fields)
        if saved.conflict is not None:
            raise SetUpError("No live gateway is free now: every one is booked by another webinar.")
    livestream = webinars.livestream_of(saved.meeting)
    if livestream is None:
        raise SetUpError(
            "The webinar was saved as a plain meeting: the rehearsal's account may not make webinars."
        )
    return Stage(
        rehearsal=secrets.randbelow(256),
        token=token,
        meeting_id=saved.meeting.pk,
        title=title,
        meeting_url=settings.AMPHI_URL + saved.meeting.get_absolute_url(),
        event_url=settings.AMPHI_URL + livestream.event.get_absolute_url(),
        hls_url=_hls_url(livestream, seconds),
        presenter_session=log_in(presenter),
        listener_session=log_in(listener),
        listener_name=str(listener),
    )


def livestream_of(stage: Stage) -> Livestream | None:
    """The rehearsal's livestream, read again; None once it is removed."""
    rows = Livestream.objects.select_related("meeting", "event", "gateway")
    return rows.filter(meeting_id=stage.meeting_id).first()


def job_status(stage: Stage) -> JobStatus | None:
    """The gateway's answer about the rehearsal's job; None when there is no job.

    Raises:
        amphi.sipmediagw.GatewayError: the gateway did not answer, or with an error.
    """
    livestream = livestream_of(stage)
    if livestream is None or livestream.job_id is None:
        return None
    return gateway_for(livestream.gateway).status(job_ref(livestream))


def explain(stage: Stage) -> str:
    """The platform's own explanation of the live's state, for an error message."""
    livestream = livestream_of(stage)
    if livestream is None:
        return "the webinar is gone"
    error = " ".join(filter(None, (livestream.last_error, livestream.last_error_detail)))
    return f"the live is “{livestream.state}”" + (f", last error: {error}" if error else "")


def explain_message(stage: Stage, text: str) -> str:
    """The platform's own record of a chat message, for an error message."""
    message = Message.objects.filter(event__livestream__meeting_id=stage.meeting_id, text=text).first()
    if message is None:
        return "the web part never received it"
    return f"the web part has it, “{message.delivery}” after {message.attempts} attempts"


def tear_down(token: str) -> str | None:
    """End and remove the webinar of `token` and its accounts.

    Returns:
        None on success. When the live could not be stopped, a sentence; the next rehearsal then removes everything.
    """
    presenter = User.objects.filter(username=f"{PREFIX}{token}-presenter").first()
    if presenter is not None:
        for meeting in presenter.owned_meetings.all():
            delete(meeting, user=presenter, tells_invited=False)
        if not _gone(presenter):
            return f"The worker did not end the rehearsal within {STOP_TIMEOUT_S:g} s."
    User.objects.filter(username__startswith=f"{PREFIX}{token}-").delete()
    AccessGroup.objects.filter(code_name=f"{PREFIX}{token}").delete()
    return None


def _gone(presenter: User) -> bool:
    """Wait until the worker has ended and removed the webinar. False when it takes too long."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while presenter.owned_meetings.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def sweep() -> None:
    """Remove what killed rehearsals have left, once their booking has ended."""
    ended = Livestream.objects.filter(
        meeting__owner__username__startswith=PREFIX, ends_at__lt=timezone.now()
    ).values_list("meeting__owner__username", flat=True)
    for username in list(ended):
        tear_down(username.removeprefix(PREFIX).removesuffix("-presenter"))
