"""Platforms, their courses, who is in them, and what of ours takes place there."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup, Identity
from amphi.meetings.models import Meeting
from amphi.system.encrypted import EncryptedTextField
from amphi.system.leases import Leased

LAUNCH_LASTS = timedelta(hours=12)
"""How long a page in a course may be used before it is opened anew there."""


def validate_deployments(value: object) -> None:
    """A list of deployment ids."""
    good = isinstance(value, list) and all(isinstance(one, str) and 0 < len(one) <= 255 for one in value)  # noqa: PLR2004 -- the specification's limit
    if not good:
        raise ValidationError(_("One deployment ID a line."))


class ToolKey(models.Model):
    """A key that this platform signs with. See `amphi.lti.tool_keys`; all are published."""

    kid = models.CharField(max_length=64, unique=True)
    private_key = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.kid


class Platform(models.Model):
    """A learning platform, as Moodle, at which this one is registered as a tool.

    Attributes:
        issuer: its address, to the letter, as it stands in its tokens.
        client_id: what it calls this platform.
        auth_url: its OpenID Connect authentication request.
        token_url: where its services' access tokens come from.
        jwks_url: its public keys.
        deployments: the deployment ids that count.
        teachers_group: the group that its teachers get, which may have the right to make webinars.
    """

    name = models.CharField(_("name"), max_length=80, help_text=_("As people know it."))
    issuer = models.CharField(_("platform ID (issuer)"), max_length=250)
    client_id = models.CharField(_("client ID"), max_length=250)
    deployments = models.JSONField(_("deployment IDs"), default=list, validators=[validate_deployments])
    auth_url = models.URLField(_("authentication request URL"), max_length=500)
    token_url = models.URLField(_("access token URL"), max_length=500)
    jwks_url = models.URLField(_("public keyset URL"), max_length=500)
    teachers_group = models.ForeignKey(
        AccessGroup,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("group of teachers"),
        help_text=_(
            "Its teachers get this group. Name its code in MEETING_WEBINAR_AFFILIATION, and they make webinars."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("learning platform")
        verbose_name_plural = _("learning platforms")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="platform_registered_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def provider(self) -> str:
        """The name of this platform in identities."""
        return f"lti {self.issuer}"


class Invitation(models.Model):
    """A learning platform that may register itself, once, by a link that an administrator gives to those who run it.

    Attributes:
        site: where it is; nothing else is asked or believed.
    """

    name = models.CharField(_("name"), max_length=80, help_text=_("As people know it."))
    site = models.URLField(
        _("site"), max_length=250, help_text=_("The address of the platform, as https://moodle.univ.fr.")
    )
    teachers_group = models.ForeignKey(
        AccessGroup,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("group of teachers"),
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    used_at = models.DateTimeField(_("used at"), null=True, editable=False)

    class Meta:
        verbose_name = _("invitation of a learning platform")
        verbose_name_plural = _("invitations of learning platforms")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Course(Leased):
    """A course of a platform (its “context”).

    Attributes:
        group: its members who have been here; a webinar may be restricted to it.
        memberships_url: where the platform names its members; empty where it does not.
        asked_at: when they were asked for the last time.
        ask_at: when they are next; None for never.
        ask_failures: how often that failed since it succeeded.
    """

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="courses")
    context_id = models.CharField(max_length=255)
    title = models.CharField(_("title"), max_length=250, blank=True)
    group = models.OneToOneField(AccessGroup, on_delete=models.PROTECT, related_name="course")
    memberships_url = models.TextField(blank=True)
    asked_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True, db_index=True)
    ask_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        constraints = [models.UniqueConstraint(fields=["platform", "context_id"], name="course_once")]

    def __str__(self) -> str:
        return self.title or self.context_id


class Member(models.Model):
    """Somebody who came here from a course, as what the platform said last."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="members")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    is_teacher = models.BooleanField(_("teacher"), default=False)

    class Meta:
        verbose_name = _("course member")
        verbose_name_plural = _("course members")
        constraints = [models.UniqueConstraint(fields=["course", "identity"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.identity_id} in {self.course_id}"


class Link(Leased):
    """A webinar in a course: an activity there (its “resource link”) that opens it.

    Attributes:
        resource_link_id: the activity; empty until it is opened for the first time.
        admitted: teachers of the course who present the webinar for that alone.
        lineitem_url: the column of grades of the activity; empty where it has none.
        graded_until: whose airings ended later than that are to be graded.
        grade_at: before that moment no grade is sent, after failures.
        grade_failures: how often that failed since it succeeded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="links")
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="course_links")
    resource_link_id = models.CharField(max_length=255, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    admitted = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", editable=False)
    lineitem_url = models.TextField(blank=True)
    graded_until = models.DateTimeField(default=timezone.now)
    grade_at = models.DateTimeField(null=True)
    grade_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("webinar in a course")
        verbose_name_plural = _("webinars in courses")
        constraints = [
            models.UniqueConstraint(
                fields=["course", "resource_link_id"],
                condition=~models.Q(resource_link_id=""),
                name="activity_is_one_webinar",
            )
        ]

    def __str__(self) -> str:
        return f"{self.meeting} in {self.course}"


class Launch(models.Model):
    """One message of a platform that brought somebody here, which opens its pages to the browser that brought it, and to no other.

    Attributes:
        nonce: of its message, so that none counts twice.
        browser: SHA-256 of the cookie of that browser.
        deep_linking: the settings of a deep linking request; None for any other.
        entered_at: when its person went on into a tab of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nonce = models.CharField(max_length=64, unique=True)
    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="launches")
    browser = models.CharField(max_length=64)
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="launches")
    deployment_id = models.CharField(max_length=255)
    resource_link_id = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=250, blank=True)
    is_teacher = models.BooleanField(default=False)
    link = models.ForeignKey(Link, on_delete=models.CASCADE, null=True, related_name="launches")
    deep_linking = models.JSONField(null=True)
    language = models.CharField(max_length=5, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    entered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_over(self) -> bool:
        """Whether its pages must be opened anew from the course."""
        return timezone.now() > self.at + LAUNCH_LASTS


class Score(models.Model):
    """What somebody gets for watching a webinar of a course. It grows, and never falls.

    Attributes:
        percent: of the time on air.
        sent_percent: what the platform has; None for nothing.
        refused_at: when the platform refused it for good, as of somebody who left the course.
    """

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="scores")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    percent = models.PositiveSmallIntegerField()
    sent_percent = models.PositiveSmallIntegerField(null=True)
    refused_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        constraints = [models.UniqueConstraint(fields=["link", "identity"], name="one_score_a_person")]

    def __str__(self) -> str:
        return f"{self.identity_id}: {self.percent} %"
