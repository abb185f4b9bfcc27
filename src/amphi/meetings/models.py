"""Meetings in BigBlueButton, webinars among them."""

import secrets
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.validators import MaxLengthValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup


def new_bbb_id() -> str:
    """A meeting id for BBB: random, so that a rename or a copy of the database never joins another meeting."""
    return f"amphi-{uuid.uuid4().hex}"


def new_secret() -> str:
    """A password or nonce of 128 bits, safe in a URL."""
    return secrets.token_urlsafe(16)


def new_access_key() -> str:
    """The right to enter as the streaming user: letters and digits only, since gateways type it as keys."""
    return secrets.token_hex(20)


class Meeting(models.Model):
    """A meeting that moderators start and people join; a webinar when `is_webinar`."""

    name = models.CharField(_("name"), max_length=250)
    slug = models.SlugField(max_length=300, unique=True, editable=False)
    description = models.TextField(_("description"), blank=True, validators=[MaxLengthValidator(10_000)])
    site = models.ForeignKey(Site, on_delete=models.PROTECT, default=settings.SITE_ID, verbose_name=_("site"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="owned_meetings",
        verbose_name=_("owner"),
    )
    additional_owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="co_owned_meetings",
        verbose_name=_("additional owners"),
    )
    start_at = models.DateTimeField(_("date and time"))
    duration = models.DurationField(_("duration"), default=timedelta(hours=2))

    is_webinar = models.BooleanField(_("webinar mode"), default=False)
    enable_chat = models.BooleanField(_("enable the chat"), default=True)
    is_restricted = models.BooleanField(_("restricted to logged-in people"), default=False)
    access_groups = models.ManyToManyField(
        AccessGroup, blank=True, related_name="meetings", verbose_name=_("groups allowed")
    )

    bbb_id = models.CharField(max_length=256, unique=True, editable=False, default=new_bbb_id)
    attendee_password = models.CharField(max_length=64, editable=False, default=new_secret)
    moderator_password = models.CharField(max_length=64, editable=False, default=new_secret)
    access_key = models.CharField(max_length=64, unique=True, editable=False, default=new_access_key)
    callback_nonce = models.CharField(max_length=64, unique=True, editable=False, default=new_secret)
    started_at = models.DateTimeField(_("started at"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["-start_at", "-pk"]
        indexes = [models.Index(fields=["owner", "-start_at"]), models.Index(fields=["site", "-start_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(duration__gt=timedelta()), name="meeting_duration_positive"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("meetings:detail", args=[self.slug])

    @property
    def end_at(self) -> datetime:
        """When it is planned to end; the booking is [start_at, end_at)."""
        return self.start_at + self.duration

    @property
    def is_open(self) -> bool:
        """It was started in BBB, and has not been seen to end."""
        return self.started_at is not None and self.ended_at is None

    @property
    def room(self) -> str:
        """The name that gateways know this meeting by: ``[a-z0-9-]``, stable through its life.

        It opens the join page by itself where a gateway's configuration fixes the rest of the address, so its last part is a
        secret of 80 bits.
        """
        return f"webinar-{self.pk}-{self.access_key[-20:]}"
