"""The discussion of an event."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.events import Event
from amphi.audience.models.viewers import VIEWER_LENGTH, Role


class Visibility(models.TextChoices):
    """Whether listeners see a message."""

    SHOWN = "shown", pgettext_lazy("message", "shown")
    WAITING = "waiting", pgettext_lazy("message", "awaiting approval")
    HIDDEN = "hidden", pgettext_lazy("message", "hidden")


class Guest(models.Model):
    """A browser without an account that writes in an event, by a name that nobody verified."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="guests", verbose_name=_("event"))
    viewer = models.CharField(max_length=VIEWER_LENGTH, editable=False)
    name = models.CharField(_("name"), max_length=60)
    network = models.CharField(_("network address"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("named at"), auto_now_add=True)

    class Meta:
        verbose_name = _("guest")
        verbose_name_plural = _("guests")
        constraints = [models.UniqueConstraint(fields=["event", "viewer"], name="one_guest_a_viewer")]

    def __str__(self) -> str:
        return self.name


class Restraint(models.Model):
    """Somebody who may no longer write in an event, or no longer be there."""

    class Kind(models.TextChoices):
        MUTED = "muted", _("muted")
        BANNED = "banned", _("excluded")

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="restraints", verbose_name=_("event")
    )
    viewer = models.CharField(max_length=VIEWER_LENGTH, editable=False)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    name = models.CharField(_("name"), max_length=255)
    # Of an excluded guest: from there nobody else becomes a guest of this event.
    network = models.CharField(_("network address"), max_length=64, blank=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("restraint")
        verbose_name_plural = _("restraints")
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["event", "viewer"], name="one_restraint_a_viewer")]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_kind_display()}"


class Message(models.Model):
    """A chat message, from a listener or from the meeting. It may be sent twice into the meeting, but pages show it once."""

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
    viewer = models.CharField(max_length=VIEWER_LENGTH, blank=True, editable=False)
    network = models.CharField(max_length=64, blank=True, editable=False)
    role = models.CharField(_("role"), max_length=9, choices=Role, default=Role.LISTENER)
    visibility = models.CharField(_("visibility"), max_length=7, choices=Visibility, default=Visibility.SHOWN)
    reply_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    # Who let it be shown, hid it or chose it for the meeting last.
    moderated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    text = models.TextField(_("text"))
    meeting_message_id = models.CharField(max_length=100, null=True, unique=True, editable=False)  # noqa: DJ001 -- absent is not unique
    created_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    delivery = models.CharField(_("delivery"), max_length=8, choices=Delivery, default=Delivery.NONE)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    attempt_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    # A long message goes into the meeting in pieces: how many were sent; `sent_at` is when the last one was.
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
            # How many were written a minute is counted by who wrote them, and of guests also by address.
            models.Index(
                fields=["viewer", "created_at"], condition=~models.Q(viewer=""), name="message_by_viewer"
            ),
            models.Index(
                fields=["network", "created_at"], condition=~models.Q(network=""), name="message_by_network"
            ),
            # What moderators ask for every few seconds.
            models.Index(
                fields=["event", "created_at"],
                condition=models.Q(visibility="waiting"),
                name="message_unapproved",
            ),
            # For the panel, every two seconds; few messages match.
            models.Index(
                fields=["event", "created_at"],
                condition=models.Q(delivery__in=["waiting", "failed"]),
                name="message_undelivered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:40]}"


class MessageReaction(models.Model):
    """A viewer's emoji on a message: each kind once."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reactions")
    viewer = models.CharField(max_length=VIEWER_LENGTH)
    kind = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "viewer", "kind"], name="one_reaction_a_viewer_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.kind}"
