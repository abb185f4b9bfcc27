"""Who watched the live of an event, and for how long."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models.events import Event
from amphi.audience.models.viewers import VIEWER_LENGTH


class Airing(models.Model):
    """One time that the live of an event was on the air, from its first picture until it was over.

    Attributes:
        forgotten: how many viewers there were of whom nothing more is kept.
    """

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="airings", verbose_name=_("event")
    )
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    forgotten = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("airing")
        verbose_name_plural = _("airings")
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "began_at"], name="one_airing_for_a_beginning"),
            models.UniqueConstraint(
                fields=["event"], condition=models.Q(ended_at=None), name="one_airing_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.began_at:%Y-%m-%d %H:%M}"


class AiringMinute(models.Model):
    """How many different viewers listened in one minute; minutes are those of the Unix epoch."""

    airing = models.ForeignKey(Airing, on_delete=models.CASCADE, related_name="minutes", db_index=False)
    minute = models.PositiveIntegerField()
    listeners = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["minute"]
        constraints = [models.UniqueConstraint(fields=["airing", "minute"], name="one_row_a_minute")]

    def __str__(self) -> str:
        return f"{self.airing_id} {self.minute}: {self.listeners}"


class Presence(models.Model):
    """One viewer in one airing: a row whose minutes are counted up, so that a crowd of an evening is as many rows as it has people.

    Attributes:
        viewer: as tickets name them; ``p`` and a pseudonym where the webinar keeps no names.
        minutes: in how many they listened.
        first_minute: of the Unix epoch, as `last_minute`.
    """

    airing = models.ForeignKey(
        Airing,
        on_delete=models.CASCADE,
        related_name="presences",
        verbose_name=_("airing"),
        db_index=False,
    )
    viewer = models.CharField(_("viewer"), max_length=VIEWER_LENGTH)
    minutes = models.PositiveIntegerField(_("minutes"))
    first_minute = models.PositiveIntegerField()
    # Without an index, so that PostgreSQL updates rows in place (HOT).
    last_minute = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [
            models.UniqueConstraint(fields=["airing", "viewer"], name="one_presence_a_viewer_and_airing")
        ]

    def __str__(self) -> str:
        return f"{self.airing_id} {self.viewer}: {self.minutes}"
