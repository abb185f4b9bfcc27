"""What is said in the discussion of an event."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models.events import Event


class Message(models.Model):
    """A chat message, from a listener or from the meeting. Sent at least once, shown once."""

    class Source(models.TextChoices):
        LISTENER = "listener", _("listener")
        MEETING = "meeting", _("meeting")
        # Only sent into the meeting; listeners have it among the questions.
        QUESTION = "question", _("question")

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
