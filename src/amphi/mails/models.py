"""Emails to be sent: written in the transaction that causes them, sent by the worker."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.system.leases import Leased


class Mail(Leased):
    """One email to one person, complete; `sender` is the person who had it sent, if any."""

    to = models.EmailField(_("to"))
    subject = models.CharField(_("subject"), max_length=300)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"))
    calendar = models.TextField(_("calendar"), blank=True)
    # Where mail programs post that no more is wanted (RFC 8058).
    unsubscribe_url = models.CharField(max_length=500, blank=True, editable=False)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    created_at = models.DateTimeField(_("written at"), auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempt_at = models.DateTimeField(_("next attempt"), null=True, db_index=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("email")
        verbose_name_plural = _("emails")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["sender", "created_at"])]

    def __str__(self) -> str:
        return f"{self.subject} → {self.to}"
