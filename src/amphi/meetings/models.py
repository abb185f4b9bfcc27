"""Meetings in BigBlueButton, webinars among them."""

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup


def new_bbb_id() -> str:
    """A random meeting id for BBB, so that a copy of the database never leads into the same meeting."""
    return f"amphi-{uuid.uuid4().hex}"


def new_secret() -> str:
    """A password or nonce of 128 bits, safe in a URL."""
    return secrets.token_urlsafe(16)


def slides_path(_meeting: models.Model, _filename: str) -> str:
    """Where uploaded slides are kept, under a random name."""
    return f"slides/{uuid.uuid4().hex}.pdf"


def new_slug(number: int, name: str) -> str:
    """A page's name in its address: a number and words for people, and 50 random bits that can't be guessed."""
    secret = "".join(secrets.choice(_SLUG_LETTERS) for _ in range(10))
    return "-".join(part for part in (f"{number:04d}", slugify(name)[:250].strip("-"), secret) if part)


def new_access_key() -> str:
    """The secret that lets the streaming user in: letters and digits only, since gateways type it on a keyboard."""
    return secrets.token_hex(20)


_SLUG_LETTERS = "abcdefghijkmnopqrstuvwxyz2345679"
"""32 characters that are not confused with each other when somebody reads them out."""

SHORTEST_NAME, LONGEST_NAME = 2, 256
"""BBB's limits for a meeting's name, in UTF-16 units, which Java counts."""


def units(text: str) -> int:
    """The length of `text` in UTF-16 units: an emoji, like all characters above U+FFFF, counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(name: str) -> str:
    """`name`, cut to the length that BBB and the database accept."""
    name = name[:250]
    while units(name) > LONGEST_NAME:
        name = name[:-1]
    return name


def validate_name(name: str) -> None:
    """Refuse a name that BBB would refuse when the meeting starts.

    Raises:
        ValidationError: what is wrong.
    """
    if units(name) < SHORTEST_NAME:
        raise ValidationError(_("Enter a name of at least two letters."))
    if units(name) > LONGEST_NAME:
        raise ValidationError(_("This name is too long for the meeting server. Shorten it."))


class GuestPolicy(models.TextChoices):
    """What BBB does with people who have no account; the values are BBB's."""

    ALWAYS_ACCEPT = "ALWAYS_ACCEPT", _("direct access")
    ASK_MODERATOR = "ASK_MODERATOR", _("waiting room: a moderator lets them in")
    ALWAYS_DENY = "ALWAYS_DENY", _("are refused")


class Meeting(models.Model):
    """A meeting that moderators start and people join; a webinar when `is_webinar`."""

    name = models.CharField(_("name"), max_length=250, validators=[validate_name])
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

    recurrence = models.CharField(
        _("repeats"),
        max_length=8,
        blank=True,
        choices=[
            ("daily", _("every day")),
            ("weekly", _("every week")),
            ("monthly", _("every month")),
            ("yearly", _("every year")),
        ],
    )
    recurrence_days = models.CharField(_("days of the week"), max_length=13, blank=True)
    recurrence_until = models.DateField(_("until"), null=True, blank=True)
    recurrence_times = models.PositiveSmallIntegerField(_("number of sessions"), null=True, blank=True)
    # The webinar that it is a copy of, for as long as it has no live gateway and so no options of its own.
    copied_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    is_personal = models.BooleanField(_("personal room"), default=False, editable=False)

    is_webinar = models.BooleanField(_("webinar mode"), default=False)
    enable_chat = models.BooleanField(_("enable the chat"), default=True)
    is_restricted = models.BooleanField(_("restricted to logged-in people"), default=False)
    access_groups = models.ManyToManyField(
        AccessGroup, blank=True, related_name="meetings", verbose_name=_("groups allowed")
    )

    password = models.CharField(
        _("participants’ password"),
        max_length=64,
        blank=True,
        help_text=_("Asked of those who join by the link."),
    )
    guest_policy = models.CharField(
        _("people without an account"),
        max_length=16,
        choices=GuestPolicy.choices,
        default=GuestPolicy.ALWAYS_ACCEPT,
    )
    is_recorded = models.BooleanField(_("recording allowed"), default=False)
    lock_cam = models.BooleanField(_("cameras off"), default=False)
    lock_mic = models.BooleanField(_("microphones off"), default=False)
    lock_public_chat = models.BooleanField(_("no public chat"), default=False)
    lock_private_chat = models.BooleanField(_("no private chat"), default=False)
    lock_notes = models.BooleanField(_("no writing in the shared notes"), default=False)
    hide_user_list = models.BooleanField(_("list of participants hidden"), default=False)
    slides = models.FileField(_("slides"), upload_to=slides_path, blank=True)
    slides_name = models.CharField(_("name of the slides"), max_length=120, blank=True)
    slides_bytes = models.PositiveBigIntegerField(default=0, editable=False)

    bbb_id = models.CharField(max_length=256, unique=True, editable=False, default=new_bbb_id)
    attendee_password = models.CharField(max_length=64, editable=False, default=new_secret)
    moderator_password = models.CharField(max_length=64, editable=False, default=new_secret)
    access_key = models.CharField(max_length=64, unique=True, editable=False, default=new_access_key)
    # Part of `presenter_key`: a new number makes all former keys invalid.
    presenter_key_number = models.PositiveIntegerField(default=0, editable=False)
    callback_nonce = models.CharField(max_length=64, unique=True, editable=False, default=new_secret)
    # RFC 5545's SEQUENCE: it grows with each change of what calendars show.
    calendar_sequence = models.PositiveIntegerField(editable=False, default=0)
    started_at = models.DateTimeField(_("started at"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, editable=False)
    # See `presence`: BBB's internal id of the last session, since when BBB does not know the meeting, and when BBB reported its end.
    session_id = models.CharField(max_length=256, blank=True, default="", editable=False)
    gone_since = models.DateTimeField(null=True, editable=False)
    end_told_at = models.DateTimeField(null=True, editable=False)
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
            ),
            models.CheckConstraint(
                condition=models.Q(is_webinar=False) | models.Q(recurrence="", is_personal=False),
                name="webinar_is_one_time_and_not_personal",
            ),
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_personal=True), name="one_personal_room_for_a_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("meetings:detail", args=[self.slug])

    @property
    def end_at(self) -> datetime:
        """When it is planned to end; the booking is [start_at, end_at)."""
        return self.start_at.astimezone(UTC) + self.duration

    @property
    def door(self) -> str:
        """The meeting's name in `amphi.system.passwords`."""
        return f"join-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it was started in BBB and no end has been noted."""
        return self.started_at is not None and self.ended_at is None

    @property
    def room(self) -> str:
        """The meeting's name for gateways: ``[a-z0-9-]``, the same for its whole life.

        Where a gateway's configuration fixes the rest of the address, the room alone opens the join page. So its last part is a
        secret of 80 bits or more.
        """
        return f"webinar-{self.pk}-{self.access_key[-20:]}"

    @property
    def presenter_key(self) -> str:
        """The secret that lets presenters without an account into a webinar's meeting: the last part of their link."""
        number = self.presenter_key_number
        said = f"presenter-{number}" if number else "presenter"
        return hmac.digest(self.access_key.encode(), said.encode(), "sha256").hex()[:32]


class Occurrence(models.Model):
    """One occurrence of a recurring meeting. Rows are written with the rule, so that lists can be sorted by the next one."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="occurrences")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()

    class Meta:
        ordering = ["start_at"]
        indexes = [models.Index(fields=["meeting", "end_at"])]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """Somebody who was invited by email; inviting again updates the row."""

    class Role(models.TextChoices):
        PRESENTER = "presenter", _("presenter")
        LISTENER = "listener", _("listener")
        PARTICIPANT = "participant", _("participant")

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="invitations")
    address = models.EmailField(_("email address"))
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    language = models.CharField(_("language"), max_length=5)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("invited by")
    )
    sent_at = models.DateTimeField(_("sent at"))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["address"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "address"], name="one_invitation_for_an_address")
        ]
        indexes = [models.Index(fields=["invited_by", "sent_at"])]

    def __str__(self) -> str:
        return self.address


class Session(models.Model):
    """One run of a meeting in BBB, from its start to its end."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("meeting")
    )
    internal_id = models.CharField(max_length=256, editable=False)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "internal_id"], name="one_session_for_an_internal_id")
        ]

    def __str__(self) -> str:
        return f"{self.meeting_id} {self.started_at:%Y-%m-%d %H:%M}"


class Attendance(models.Model):
    """One stay of a person in a session; somebody who came twice has two."""

    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="attendances", verbose_name=_("session")
    )
    user_id_in_bbb = models.CharField(max_length=100, editable=False)
    name = models.CharField(_("name"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    is_moderator = models.BooleanField(_("moderator"), default=False)
    joined_at = models.DateTimeField(_("came at"))
    left_at = models.DateTimeField(_("left at"), null=True)

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user_id_in_bbb", "joined_at"], name="one_presence_for_one_coming"
            )
        ]

    def __str__(self) -> str:
        return self.name
