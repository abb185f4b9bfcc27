"""Those who are written to about an event: who asked for a reminder."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models.events import Event


class Addressee(models.Model):
    """Somebody who is written to about an event, as `amphi.audience.letters` decides.

    Attributes:
        due_at: when there may be something to write; None when nothing is to come.
        told_start_at: when the event begins, as they were last told.
    """

    REMINDERS: ClassVar[tuple[tuple[str, timedelta], ...]] = ()
    """Columns that hold the start of which they were reminded, and how long before it they are; the longest first."""
    LETTER: ClassVar[str] = "event_reminder"
    """What reminds them."""

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
        """They are reminded, and not only told what changes."""
        return True

    @classmethod
    def who_wait(cls, event: Event) -> models.QuerySet[Any]:
        """Those who are to be told what becomes of `event`."""
        return cls._default_manager.filter(event=event)


class Reminder(Addressee):
    """An address, confirmed, that asked to be reminded of an event."""

    REMINDERS = (("reminded_for", timedelta(minutes=15)),)

    reminded_for = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = [
            models.UniqueConstraint(fields=["event", "address"], name="one_reminder_for_an_address")
        ]
        indexes = [models.Index(fields=["address"])]
