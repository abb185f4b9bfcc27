"""What listeners watch, say and are told: events ("directs"), the broadcasters that carry them, messages."""

import uuid

from django.conf import settings
from django.contrib.sites.models import Site
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup
from amphi.system.leases import Leased


def stream_name(hls_url: str) -> str:
    """The name at the origin of the stream that is read at `hls_url`: ``name`` of ``…/name.m3u8``."""
    return hls_url.rsplit("/", 1)[-1].removesuffix(".m3u8")


class Broadcaster(models.Model):
    """A stream that players can read: the address of its HLS playlist."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(max_length=200, unique=True)
    hls_url = models.URLField(
        _("HLS address"), max_length=500, help_text=_("Such as https://live.univ.fr/hls/name.m3u8")
    )
    has_tickets = models.BooleanField(
        _("asks viewers for a ticket"),
        default=False,
        help_text=_("Tick it for Amphi’s own origin, when it has a ticket key."),
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, default=settings.SITE_ID, verbose_name=_("site"))

    class Meta:
        verbose_name = _("broadcaster")
        verbose_name_plural = _("broadcasters")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        """The stream's name at the origin."""
        return stream_name(self.hls_url)


class EventState(models.TextChoices):
    """What listeners know of an event's live."""

    WAITING = "waiting"
    STARTING = "starting"
    LIVE = "live"
    RECOVERING = "recovering"
    OVER = "over"


ON_AIR = frozenset({EventState.STARTING, EventState.LIVE, EventState.RECOVERING})
"""The states in which listeners may write."""


class Event(models.Model):
    """A live event ("direct"). Its page follows the live itself, never the planned clock alone.

    `state`, `since` and `stream_held_since` are written by `domain.set_state` only; `state` is empty where others carry the event, so
    that its planned hours are all that is known.
    """

    title = models.CharField(_("title"), max_length=250)
    slug = models.SlugField(max_length=300, unique=True, editable=False)
    description = models.TextField(_("description"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="owned_events",
        verbose_name=_("owner"),
    )
    additional_owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="co_owned_events",
        verbose_name=_("additional owners"),
    )
    broadcaster = models.ForeignKey(
        Broadcaster, on_delete=models.PROTECT, related_name="events", verbose_name=_("broadcaster")
    )
    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    is_draft = models.BooleanField(_("draft"), default=False)
    is_restricted = models.BooleanField(_("restricted to logged-in people"), default=False)
    access_groups = models.ManyToManyField(
        AccessGroup, blank=True, related_name="events", verbose_name=_("groups allowed")
    )
    password = models.CharField(
        _("password"),
        max_length=64,
        blank=True,
        help_text=_("Asked of everyone who watches, except the owners."),
    )
    enable_chat = models.BooleanField(_("chat"), default=False)
    state = models.CharField(max_length=12, choices=EventState, blank=True, editable=False)
    since = models.DateTimeField(null=True, editable=False)
    # A live that runs holds its broadcaster's stream; of two that wait for one, the earlier does.
    stream_held_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["start_at", "pk"]
        indexes = [models.Index(fields=["is_draft", "end_at"]), models.Index(fields=["start_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="event_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("live:event", args=[self.slug])

    @property
    def door(self) -> str:
        """Where its password is asked, as `amphi.system.passwords` knows it."""
        return f"event-{self.pk}"


class Channel(Leased):
    """The event stream of one event: its row is the lock that gives its messages one order, and is leased to who sends them on."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="channel")
    last_seq = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event_id}:{self.last_seq}"


class StreamEvent(models.Model):
    """One message of the event stream. `seq` grows by one in the order of commits, so a reader resumes exactly."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="stream_events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    data = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "seq"], name="stream_event_seq_unique")]

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.seq} {self.kind}"


class Message(models.Model):
    """A chat message, from a listener or from the meeting. Sent at least once, shown once."""

    class Source(models.TextChoices):
        LISTENER = "listener", _("listener")
        MEETING = "meeting", _("meeting")

    class Delivery(models.TextChoices):
        NONE = "none", _("nothing to deliver")
        WAITING = "waiting"
        SENT = "sent", _("sent to the meeting")
        FAILED = "failed", _("not sent")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="messages", verbose_name=_("event")
    )
    source = models.CharField(_("from"), max_length=8, choices=Source)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    author_name = models.CharField(_("author’s name"), max_length=255)
    text = models.TextField(_("text"))
    meeting_message_id = models.CharField(max_length=100, null=True, unique=True, editable=False)  # noqa: DJ001 -- absent is not unique
    created_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    delivery = models.CharField(_("delivery"), max_length=8, choices=Delivery, default=Delivery.NONE)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    attempt_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    # A long one goes to the meeting in pieces: so many are there, and `sent_at` is when the last of them went.
    pieces_sent = models.PositiveSmallIntegerField(default=0, editable=False)
    delivery_error = models.CharField(_("why it was not sent"), max_length=40, blank=True, editable=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["event", "created_at"]),
            models.Index(
                fields=["attempt_at"], condition=models.Q(delivery="waiting"), name="message_waiting"
            ),
            # What the panel asks for every two seconds: a handful among all that were ever written.
            models.Index(
                fields=["event", "created_at"],
                condition=models.Q(delivery__in=["waiting", "failed"]),
                name="message_undelivered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:40]}"


class Audience(models.Model):
    """How many listeners one web process carries for one event, as it last said."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="audiences")
    process = models.CharField(max_length=100)
    viewers = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "process"], name="audience_unique")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.viewers} ({self.process})"
