"""The event stream of an event, and the number of its listeners."""

from django.db import models

from amphi.audience.models.events import Event
from amphi.system.leases import Leased


class Channel(Leased):
    """The event stream of one event. Its row is the lock that orders messages; the worker that sends them to the meeting leases it."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="channel")
    last_seq = models.PositiveBigIntegerField(default=0)
    listeners_told = models.PositiveIntegerField(default=0)
    """How many listen, as everybody was told last: see `turnout`."""

    def __str__(self) -> str:
        return f"{self.event_id}:{self.last_seq}"


class StreamMessage(models.Model):
    """One message of the event stream. `seq` grows by one in the order of commits, so a reader can resume exactly."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="stream_messages")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    data = models.TextField()
    about = models.UUIDField(null=True)
    """The message, question or poll whose text it has, so that the text can be taken out when that is hidden."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "seq"], name="stream_message_seq_unique")]
        indexes = [
            models.Index(
                fields=["channel", "about"],
                name="stream_message_about",
                condition=models.Q(about__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.seq} {self.kind}"


class Audience(models.Model):
    """How many listeners one web process had for one event, by its last count."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="audiences")
    process = models.CharField(max_length=100)
    viewers = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "process"], name="audience_unique")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.viewers} ({self.process})"
