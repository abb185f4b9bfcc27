"""Endpoints of other systems, and what they are told."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.system.encrypted import EncryptedTextField
from amphi.system.leases import Leased


class Kind(models.TextChoices):
    """What can happen."""

    PLANNED = "webinar.planned", _("a webinar was scheduled or moved")
    STARTED = "webinar.started", _("a webinar was started")
    LIVE = "webinar.live", _("listeners see the picture")
    STOPPED = "webinar.stopped", _("the live stopped")
    ENDED = "webinar.ended", _("the meeting ended")
    REPLAY = "replay.ready", _("a replay can be watched")
    REGISTERED = "registration.created", _("somebody registered")


class Endpoint(models.Model):
    """Where another system listens.

    Attributes:
        secret: signs what it is told: ``whsec_`` and base64.
        kinds: what it is told; empty for all.
        failing_since: of deliveries that failed without one that succeeded in between.
        disabled_at: when it was given up, since it failed for long.
    """

    name = models.CharField(_("name"), max_length=80)
    url = models.URLField(_("address"), max_length=500)
    secret = EncryptedTextField(_("secret"))
    kinds = models.JSONField(_("what it is told"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    disabled_at = models.DateTimeField(_("given up at"), null=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Delivery(Leased):
    """One thing that one endpoint is told.

    Attributes:
        message_id: the ``webhook-id``: the same in every attempt, and for all endpoints.
        body: the JSON text, as it is signed.
        attempt_at: when it is tried next; None once it was delivered or given up.
        status: HTTP's, of the last attempt; None when there was no answer.
    """

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("webhook")
    )
    message_id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(_("what"), max_length=24, choices=Kind)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(_("happened at"), auto_now_add=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempt_at = models.DateTimeField(_("next attempt"), null=True, db_index=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    status = models.PositiveSmallIntegerField(_("answer"), null=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.kind} → {self.endpoint}"
