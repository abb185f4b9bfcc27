"""What the audience says, and what is told to it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.live.models import Event


class Channel(models.Model):
    """The event stream of one event: its row is the lock that gives its messages one order."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="channel")
    last_seq = models.PositiveBigIntegerField(default=0)
    delivering_until = models.DateTimeField(null=True, editable=False)

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
        WAITING = "waiting", _("waiting")
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
