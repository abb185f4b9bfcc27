"""How well listeners receive the live, measured by their players. It contains no personal data."""

from django.db import models

from amphi.audience.models.events import Event


class Reception(models.Model):
    """The sum of the reports that one web process received from the players of an event within a minute.

    Attributes:
        reports: the number of reports.
        watched_s: for how many seconds their pictures moved, in total.
        stalled_s: for how many seconds their pictures stood still when they should have moved, in total.
        delays: how many reported delays are within each of `amphi.audience.reception.DELAY_STEPS_S`.
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
