"""How listeners receive the live, as their players measure it; nothing of it says whose player it was."""

from django.db import models

from amphi.audience.models.events import Event


class Reception(models.Model):
    """What the players of an event reported to one web process within a minute.

    Attributes:
        reports: how many.
        watched_s: seconds that their pictures moved, in all.
        stalled_s: seconds that their pictures stood still while they should have moved.
        delays: how many reports said a delay within each of `amphi.audience.reception.DELAY_STEPS_S`.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="receptions")
    process = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)
    reports = models.PositiveIntegerField()
    watched_s = models.PositiveIntegerField()
    stalled_s = models.PositiveIntegerField()
    delays = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["event", "at"])]

    def __str__(self) -> str:
        return f"{self.event_id} {self.at:%Y-%m-%d %H:%M}: {self.reports} ({self.process})"
