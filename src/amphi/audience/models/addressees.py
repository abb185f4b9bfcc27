"""People who get emails about an event."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models.events import Event


class Addressee(models.Model):
    """Somebody who gets emails about an event; `amphi.audience.letters` decides which.

    Attributes:
        due_at: when there may be something to write; None for nothing more.
        told_start_at: the start of the event in the last email to them.
    """

    REMINDERS: ClassVar[tuple[tuple[str, timedelta], ...]] = ()
    """For each reminder: the column with the start that it was sent for, and how long before the start it is sent. Longest first."""
    LETTER: ClassVar[str] = "event_reminder"
    """The template of reminders."""

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="%(class)ss", verbose_name=_("event")
    )
    address = models.EmailField(_("email address"))
    language = models.CharField(_("language"), max_length=5)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    due_at = models.DateTimeField(null=True, db_index=True, editable=False)
    told_start_at = models.DateTimeField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.address

    @property
    def is_reminded(self) -> bool:
        """Whether they get reminders, and not only news of changes."""
        return True

    @classmethod
    def who_wait(cls, event: Event) -> models.QuerySet[Any]:
        """The people who must learn of changes of `event`."""
        return cls._default_manager.filter(event=event)


class Reminder(Addressee):
    """A confirmed email address that asked for a reminder of an event."""

    REMINDERS = (("reminded_for", timedelta(minutes=15)),)

    reminded_for = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = [
            models.UniqueConstraint(fields=["event", "address"], name="one_reminder_for_an_address")
        ]
        indexes = [models.Index(fields=["address"])]
