"""Captions: what is said in a live, as text, in step with its picture."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.attendance import Airing
from amphi.audience.models.events import Event
from amphi.system.leases import Leased


class Caption(models.Model):
    """One caption: two lines of text at most, and when they are shown.

    Attributes:
        name: what its source calls the sentence that it belongs to, so that a sentence may be told again as it grows.
        piece: its place among the captions of that sentence.
        at: when it was said, by the live server's clock.
        until: when it was said to its end.
        is_corrected: whether somebody corrected it, after which its source changes it no more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    airing = models.ForeignKey(
        Airing, on_delete=models.CASCADE, related_name="captions", verbose_name=_("airing"), db_index=False
    )
    name = models.CharField(max_length=100, editable=False)
    piece = models.PositiveSmallIntegerField(default=0, editable=False)
    at = models.DateTimeField(pgettext_lazy("caption", "from"))
    until = models.DateTimeField(pgettext_lazy("caption", "until"))
    text = models.CharField(_("text"), max_length=200)
    is_corrected = models.BooleanField(_("corrected"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("caption")
        verbose_name_plural = _("captions")
        ordering = ["at", "piece"]
        constraints = [
            models.UniqueConstraint(fields=["airing", "name", "piece"], name="one_caption_a_name_and_piece")
        ]
        indexes = [models.Index(fields=["airing", "at"], name="captions_of_an_airing")]

    def __str__(self) -> str:
        return self.text


class CaptionFeed(Leased):
    """What an event's captions come by: the token of whoever sends them, and the lease of the process that hears the live.

    Attributes:
        token_digest: SHA-256 of the token; empty without one. The token itself is not kept.
        token_made_at: since when it is valid.
    """

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, related_name="caption_feed"
    )
    token_digest = models.CharField(max_length=64, blank=True, editable=False)
    token_made_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return str(self.event_id)
