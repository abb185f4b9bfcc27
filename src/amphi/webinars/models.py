"""A webinar's live: its gateway, its state and its history."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sites.models import Site
from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models import Broadcaster, Event
from amphi.meetings.models import Meeting
from amphi.system import request_ids
from amphi.system.encrypted import EncryptedTextField
from amphi.system.leases import Leased


class LiveGateway(models.Model):
    """The way from a meeting to its listeners: gateway, RTMP address and broadcaster. Carries one webinar at a time."""

    class Dialect(models.TextChoices):
        AMPHI = "amphi", "Amphi"
        AUTO = "auto", _("SIPMediaGW, detected")
        A = "A", "SIPMediaGW 1.5"
        B = "B", "SIPMediaGW 1.6–1.7"
        D = "D", "SIPMediaGW 1.8"

    rtmp_stream_url = models.CharField(
        _("RTMP address"), max_length=500, help_text=_("Such as rtmp://live.univ.fr/live/name")
    )
    broadcaster = models.OneToOneField(
        Broadcaster, on_delete=models.PROTECT, related_name="live_gateway", verbose_name=_("broadcaster")
    )
    dialect = models.CharField(_("gateway’s kind"), max_length=8, choices=Dialect, default=Dialect.AUTO)
    sipmediagw_url = models.URLField(
        _("SIPMediaGW address"), max_length=500, blank=True, help_text=_("Empty: the one of the settings.")
    )
    sipmediagw_token = EncryptedTextField(
        _("SIPMediaGW token"), blank=True, help_text=_("Empty: the one of the settings.")
    )
    ca_file = models.CharField(_("private CA file"), max_length=500, blank=True)
    standby_url = models.URLField(
        _("address of a second gateway"),
        max_length=500,
        blank=True,
        help_text=_(
            "Of an Amphi gateway that joins the same meetings and takes over at once. Needs Amphi’s live server. Empty: none."
        ),
    )
    standby_token = EncryptedTextField(_("token of the second gateway"), blank=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, default=settings.SITE_ID, verbose_name=_("site"))

    class Meta:
        verbose_name = _("live gateway")
        verbose_name_plural = _("live gateways")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.broadcaster)

    @property
    def service_url(self) -> str:
        """The gateway's address: its own, else the settings' one."""
        return self.sipmediagw_url or settings.MEETING_WEBINAR_SIPMEDIAGW_URL

    @property
    def service_token(self) -> str:
        """The token that the gateway is told: its own, else the settings' one, which no other host than theirs may learn."""
        if self.sipmediagw_token:
            return self.sipmediagw_token
        here, theirs = urlsplit(self.service_url), urlsplit(settings.MEETING_WEBINAR_SIPMEDIAGW_URL)
        is_theirs = here.hostname == theirs.hostname and here.scheme in {theirs.scheme, "https"}
        return settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN if is_theirs else ""


class State(models.TextChoices):
    """What a live is. `LIVE` means that pictures arrive, not that somebody asked for them."""

    IDLE = "idle", _("not started")
    STARTING = "starting", _("starting")
    LIVE = "live", _("live")
    RECOVERING = "recovering", _("recovering")
    STOPPING = "stopping", _("stopping")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")


RUNNING = frozenset({State.STARTING, State.LIVE, State.RECOVERING, State.STOPPING})
"""The states in which the supervisor watches a live, and the live keeps its gateway."""


class Layout(models.TextChoices):
    """What of the meeting is in the picture; the values are those of the gateway's API. A shared screen counts as slides."""

    SLIDES_AND_CAMERAS = "slides_and_cameras", _("Slides and cameras")
    SLIDES = "slides", _("Slides only")
    CAMERAS = "cameras", _("Cameras only")


class Removal(models.TextChoices):
    """What happens to a webinar after its meeting and live have stopped."""

    UNCHECK = "uncheck", _("becomes a meeting")
    DELETE = "delete", _("is deleted")


class Livestream(Leased):
    """The live of one webinar. Written only by `domain.py`, its state only by `transitions.py`."""

    meeting = models.OneToOneField(
        Meeting, on_delete=models.CASCADE, related_name="livestream", verbose_name=_("meeting")
    )
    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, related_name="livestream", verbose_name=_("event")
    )
    gateway = models.ForeignKey(
        LiveGateway, on_delete=models.PROTECT, related_name="livestreams", verbose_name=_("live gateway")
    )
    starts_at = models.DateTimeField(_("booked from"))
    ends_at = models.DateTimeField(_("booked until"))

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.IDLE)
    state_since = models.DateTimeField(_("since"), auto_now_add=True)
    job_id = models.UUIDField(_("gateway job"), null=True, editable=False)
    job_since = models.DateTimeField(null=True, editable=False)
    remote_id = models.CharField(max_length=100, blank=True, editable=False)
    # Of whoever asked for the last change: the worker's and the gateway's lines about this live have it too.
    request_id = models.CharField(max_length=request_ids.LENGTH, blank=True, default="", editable=False)
    went_live_at = models.DateTimeField(_("went live"), null=True, editable=False)
    start_asked_at = models.DateTimeField(_("start requested"), null=True, editable=False)
    ends_meeting = models.BooleanField(default=False, editable=False)
    starts_backstage = models.BooleanField(
        _("starts backstage"),
        default=False,
        help_text=_("Listeners see nothing until a presenter goes live."),
    )
    # Filmed, and shown to nobody: set when it is asked for, until a presenter goes live. It outlasts a live that was never shown.
    is_backstage = models.BooleanField(default=False, editable=False)
    removal = models.CharField(
        _("afterwards"), max_length=8, blank=True, choices=Removal, default="", editable=False
    )
    last_error = models.CharField(_("last error"), max_length=40, blank=True, editable=False)
    last_error_detail = models.CharField(max_length=500, blank=True, editable=False)

    look_at = models.DateTimeField(null=True, db_index=True, editable=False)
    media_mark = models.CharField(max_length=100, blank=True, editable=False)
    media_seen_at = models.DateTimeField(null=True, editable=False)
    # The playlist's longest segment, for when the live server does not answer.
    media_target_s = models.PositiveSmallIntegerField(null=True, editable=False)
    meeting_misses = models.PositiveSmallIntegerField(default=0, editable=False)
    gateway_asked_at = models.DateTimeField(null=True, editable=False)
    # Written before a gateway is asked to start: until then a job may still appear, whatever the gateway answers.
    start_may_come_until = models.DateTimeField(null=True, editable=False)
    chat_shown = models.BooleanField(null=True, editable=False)
    layout = models.CharField(_("picture"), max_length=20, choices=Layout, default=Layout.SLIDES_AND_CAMERAS)
    # As the gateway last said; empty where it can't tell.
    layout_shown = models.CharField(max_length=20, blank=True, default="", editable=False)
    chat_filmed = models.BooleanField(
        _("chat in the picture"),
        null=True,
        blank=True,
        help_text=_("Unknown: only where messages of the meeting can’t reach the listeners as text."),
    )
    session_id = models.CharField(max_length=256, blank=True, editable=False)
    # BBB's internal id of the streaming user: the only way to recognise its chat messages before bbb-webhooks 3.4.
    streaming_user = models.CharField(max_length=100, blank=True, default="", editable=False)
    participants = models.PositiveIntegerField(null=True, editable=False)
    participants_seen_at = models.DateTimeField(null=True, editable=False)
    hook_asked_at = models.DateTimeField(null=True, editable=False)
    has_hook = models.BooleanField(null=True, editable=False)
    made_way_at = models.DateTimeField(null=True, editable=False)
    displaced_at = models.DateTimeField(null=True, editable=False)
    limit_warned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("livestream")
        verbose_name_plural = _("livestreams")
        ordering = ["-starts_at", "-pk"]
        indexes = [
            models.Index(fields=["gateway", "ends_at"]),
            # Finds who holds a gateway now; only few rows are running.
            models.Index(
                fields=["gateway"], condition=models.Q(state__in=sorted(RUNNING)), name="livestream_running"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="livestream_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return str(self.meeting)

    @property
    def is_running(self) -> bool:
        """Whether something runs, or is requested."""
        return self.state in RUNNING


class RetiringJob(Leased):
    """A gateway's job that its livestream no longer uses and that must still be stopped. Only a new job on that gateway waits for it.

    Attributes:
        may_start_until: a start with an unknown outcome may still take effect until then, so “idle” proves nothing before.
        stop_at: when to ask the gateway to stop it, next.
    """

    livestream = models.ForeignKey(Livestream, on_delete=models.CASCADE, related_name="retiring_jobs")
    gateway = models.ForeignKey(LiveGateway, on_delete=models.CASCADE, related_name="retiring_jobs")
    job_id = models.UUIDField()
    remote_id = models.CharField(max_length=100, blank=True)
    since = models.DateTimeField()
    may_start_until = models.DateTimeField(null=True)
    stop_at = models.DateTimeField(db_index=True)
    last_error = models.CharField(max_length=40, blank=True)
    last_error_detail = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return str(self.job_id)


class StandbyJob(Leased):
    """The job of a livestream's second gateway, from the start of its live until it is known to be stopped.

    Attributes:
        gateway: the live gateway whose second gateway has it.
        is_replaced: it must be stopped, and another one started.
        may_start_until: a start with an unknown outcome may still take effect until then, so “idle” proves nothing before.
        state: what the gateway last said.
        look_at: when to look at it next.
    """

    livestream = models.ForeignKey(Livestream, on_delete=models.CASCADE, related_name="standby_jobs")
    gateway = models.ForeignKey(LiveGateway, on_delete=models.CASCADE, related_name="standby_jobs")
    job_id = models.UUIDField(default=uuid.uuid4)
    is_replaced = models.BooleanField(default=False)
    may_start_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, blank=True)
    look_at = models.DateTimeField(db_index=True)
    last_error = models.CharField(max_length=40, blank=True)
    last_error_detail = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["livestream", "gateway"], name="one_standby_for_a_gateway")
        ]

    def __str__(self) -> str:
        return str(self.job_id)


class Transition(models.Model):
    """One change of a livestream's state, kept as its history."""

    livestream = models.ForeignKey(Livestream, on_delete=models.CASCADE, related_name="transitions")
    old = models.CharField(_("from"), max_length=12, choices=State)
    new = models.CharField(_("to"), max_length=12, choices=State)
    trigger = models.CharField(_("trigger"), max_length=20)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.old} → {self.new} ({self.trigger})"


class RaisedHand(models.Model):
    """A hand in the meeting, up or down, by the latest webhook. Written by `participation.py` and the worker's `people.py`."""

    livestream = models.ForeignKey(Livestream, on_delete=models.CASCADE, related_name="hands")
    session_id = models.CharField(max_length=256)
    user_id = models.CharField(max_length=100)
    external_user_id = models.CharField(max_length=256, blank=True)
    name = models.CharField(max_length=255, blank=True)
    is_raised = models.BooleanField(default=False)
    # Before BBB 2.7 a raised hand was an emoji, and any other emoji lowered it.
    is_emoji = models.BooleanField(default=False)
    changed_at = models.DateTimeField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["livestream", "session_id", "user_id"], name="one_hand_for_a_person"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.user_id


class Poll(models.Model):
    """A poll in the meeting, from webhooks. BBB sends none when a poll closes."""

    livestream = models.ForeignKey(Livestream, on_delete=models.CASCADE, related_name="polls")
    session_id = models.CharField(max_length=256)
    poll_id = models.CharField(max_length=200)
    question = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["livestream", "session_id", "poll_id"], name="one_poll_for_a_poll_id"
            )
        ]

    def __str__(self) -> str:
        return self.question or self.poll_id


class PollResponse(models.Model):
    """One answer to a poll. Its time identifies it, since BBB reports all answers with the presenter's id."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="responses")
    key = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "key"], name="one_response_for_a_key")]

    def __str__(self) -> str:
        return self.key


class Recording(Leased):
    """A recording of a meeting, webinar or not. BBB reports it, then the worker looks it up there.

    Attributes:
        formats: how it can be watched, as ``{"kind", "url", "minutes"}``; empty until it was looked up.
        look_at: when it is looked up next.
        attempts: how many look-ups failed, one after the other.
    """

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="recordings", verbose_name=_("meeting")
    )
    record_id = models.CharField(max_length=256, editable=False)
    started_at = models.DateTimeField(_("recorded at"), null=True)
    formats = models.JSONField(_("formats"), default=list)
    look_at = models.DateTimeField(db_index=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "record_id"], name="one_recording_for_a_record_id")
        ]

    def __str__(self) -> str:
        return self.record_id


class WorkerPulse(models.Model):
    """A sign of life of a worker, for `amphi check`."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
