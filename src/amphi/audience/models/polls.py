"""Polls."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.events import Event
from amphi.audience.models.viewers import VIEWER_LENGTH


class PollState(models.TextChoices):
    """The state of a poll. Listeners see it once it was opened, and vote while it is open."""

    DRAFT = "draft", pgettext_lazy("poll", "not opened yet")
    OPEN = "open", pgettext_lazy("poll", "open")
    CLOSED = "closed", pgettext_lazy("poll", "closed")


class Poll(models.Model):
    """One poll: made here, where listeners vote, or mirrored from the meeting, where presenters do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="polls", verbose_name=_("event"))
    question = models.CharField(_("question"), max_length=500, blank=True)
    is_multiple = models.BooleanField(_("several choices allowed"), default=False)
    state = models.CharField(_("state"), max_length=6, choices=PollState, default=PollState.DRAFT)
    results_shown = models.BooleanField(_("results shown to listeners"), default=False)
    # The meeting server's id of a mirrored poll; empty for one made here.
    meeting_poll_id = models.CharField(max_length=300, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta:
        verbose_name = _("poll")
        verbose_name_plural = _("polls")
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["event", "created_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "meeting_poll_id"],
                condition=~models.Q(meeting_poll_id=""),
                name="one_mirror_a_poll_of_the_meeting",
            )
        ]

    def __str__(self) -> str:
        return self.question

    @property
    def is_mirrored(self) -> bool:
        """Whether it is a poll of the meeting, where people vote."""
        return bool(self.meeting_poll_id)


class PollChoice(models.Model):
    """One choice. `position` gives the order, and identifies it on pages."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=200)
    # For a mirrored poll, of which only numbers are known. A poll made here counts its ballots.
    told_votes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["poll", "position"], name="one_choice_a_position")]

    def __str__(self) -> str:
        return self.text


class Ballot(models.Model):
    """One viewer's vote, which they may change while the poll is open."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="ballots")
    viewer = models.CharField(max_length=VIEWER_LENGTH)
    choices = models.ManyToManyField(PollChoice, related_name="ballots")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "viewer"], name="one_ballot_a_viewer")]

    def __str__(self) -> str:
        return f"{self.poll_id} {self.viewer}"
