"""Raised hands: who asks for the microphone, and who has it."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.events import Event
from amphi.audience.models.viewers import VIEWER_LENGTH


class HandState(models.TextChoices):
    """The state of a hand. It stays up in all states until it is lowered."""

    RAISED = "raised", pgettext_lazy("hand", "raised")
    INVITED = "invited", _("invited on stage")
    ON_STAGE = "on_stage", _("on stage")
    LOWERED = "lowered", pgettext_lazy("hand", "lowered")


HAND_UP = (HandState.RAISED, HandState.INVITED, HandState.ON_STAGE)
HAND_TAKES_A_PLACE = (HandState.INVITED, HandState.ON_STAGE)


def new_token() -> str:
    """A random public name of a hand. It gives no rights."""
    return secrets.token_urlsafe(6)


class Hand(models.Model):
    """A listener's raised hand. `seen_at` is when their page last reported that it is open."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="hands", verbose_name=_("event"))
    token = models.CharField(max_length=12, unique=True, default=new_token, editable=False)
    viewer = models.CharField(max_length=VIEWER_LENGTH, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
    )
    name = models.CharField(_("name"), max_length=255)
    word = models.CharField(_("subject"), max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=HandState, default=HandState.RAISED)
    raised_at = models.DateTimeField(_("raised at"))
    seen_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("raised hand")
        verbose_name_plural = _("raised hands")
        ordering = ["raised_at", "pk"]
        indexes = [
            models.Index(fields=["event", "raised_at"], condition=Q(state__in=HAND_UP), name="hand_up")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "viewer"], condition=Q(state__in=HAND_UP), name="one_hand_a_viewer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
