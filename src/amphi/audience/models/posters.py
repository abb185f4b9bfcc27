"""The picture that invites to an event."""

from django.db import models

from amphi.audience.models.events import Event


class Poster(models.Model):
    """The poster of one event, as `amphi.audience.posters` drew it anew: in the database, so that it goes with its event and backups hold it.

    `Event.poster_mark` tells which one it is, in its address.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="poster")
    full = models.BinaryField()
    thumbnail = models.BinaryField()

    def __str__(self) -> str:
        return str(self.event)
