"""Registration: the rules of an event, and the people who registered."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amphi.audience.models.addressees import Addressee
from amphi.audience.models.events import Event


class RegistrationRules(models.Model):
    """The rules of registration for an event. Without a row there is none; `Event.needs_registration` makes it mandatory.

    Attributes:
        capacity: the number of places; None for no limit.
        domains: the allowed domains of email addresses, separated by spaces; empty for all.
        questions: the owner's questions, as texts.
        thanks: the text of the email afterwards to people who came; empty for no email.
        missed: the same for people who did not come.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="registration_rules")
    is_open = models.BooleanField(default=False)
    capacity = models.PositiveIntegerField(null=True, blank=True)
    needs_approval = models.BooleanField(default=False)
    domains = models.CharField(max_length=500, blank=True)
    asks_organisation = models.BooleanField(default=False)
    questions = models.JSONField(default=list, blank=True)
    thanks = models.TextField(blank=True)
    missed = models.TextField(blank=True)

    def __str__(self) -> str:
        return str(self.event)


class Registration(Addressee):
    """Somebody who registered.

    Attributes:
        answers: pairs of question and answer.
        user: the account with which they registered or opened their link, if any.
        key_number: part of the personal link's key; a new number makes earlier links invalid.
        came_at: when they were first seen at the live.
    """

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("address not confirmed")
        WAITING = "waiting", _("waiting for approval")
        ACCEPTED = "accepted", _("registered")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    LETTER = "registration_reminder"
    REMINDERS = (("day_reminded_for", timedelta(days=1)), ("hour_reminded_for", timedelta(hours=1)))

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.UNCONFIRMED)
    name = models.CharField(_("name"), max_length=100)
    organisation = models.CharField(_("organisation"), max_length=150, blank=True)
    answers = models.JSONField(default=list)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="registrations",
        verbose_name=_("account"),
    )
    key_number = models.PositiveIntegerField(default=0, editable=False)
    wants_mail = models.BooleanField(default=True, editable=False)
    came_at = models.DateTimeField(null=True, editable=False)
    day_reminded_for = models.DateTimeField(null=True, editable=False)
    hour_reminded_for = models.DateTimeField(null=True, editable=False)
    written_afterwards_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "address"], name="one_registration_for_an_address")
        ]
        indexes = [models.Index(fields=["event", "status"])]

    @property
    def is_reminded(self) -> bool:
        """Whether they get reminders: not while they wait for approval."""
        return self.is_good

    @classmethod
    def who_wait(cls, event: Event) -> models.QuerySet[Any]:
        """The people who have a place or wait for one, and want emails."""
        places = [cls.Status.WAITING, cls.Status.ACCEPTED]
        return cls._default_manager.filter(event=event, status__in=places, wants_mail=True)

    @property
    def is_good(self) -> bool:
        """Whether it lets them watch."""
        return self.status == self.Status.ACCEPTED

    @property
    def viewer(self) -> str:
        """Their viewer's name in tickets, when they use their personal link."""
        return f"r{self.pk}"
