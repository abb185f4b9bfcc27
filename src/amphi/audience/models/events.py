"""Live events (“directs”) and the broadcasters that carry them."""

from functools import cached_property

from django.conf import settings
from django.contrib.sites.models import Site
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.accounts.models import AccessGroup
from amphi.audience.models.viewers import Role


def stream_name(hls_url: str) -> str:
    """The origin's name of the stream at `hls_url`: ``name`` of ``…/name.m3u8``."""
    return hls_url.rsplit("/", 1)[-1].removesuffix(".m3u8")


class Broadcaster(models.Model):
    """A stream that players can read: the address of its HLS playlist."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(max_length=200, unique=True)
    hls_url = models.URLField(
        _("HLS address"), max_length=500, help_text=_("Such as https://live.univ.fr/hls/name.m3u8")
    )
    has_tickets = models.BooleanField(
        _("asks viewers for a ticket"),
        default=False,
        help_text=_("Tick it for Amphi’s own origin, when it has a ticket key."),
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, default=settings.SITE_ID, verbose_name=_("site"))

    class Meta:
        verbose_name = _("broadcaster")
        verbose_name_plural = _("broadcasters")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        """The stream's name at the origin."""
        return stream_name(self.hls_url)


class EventState(models.TextChoices):
    """The state of an event's live, as listeners see it."""

    WAITING = "waiting"
    STARTING = "starting"
    LIVE = "live"
    RECOVERING = "recovering"
    OVER = "over"


ON_AIR = frozenset({EventState.STARTING, EventState.LIVE, EventState.RECOVERING})
"""The states in which listeners may write."""


class ChatMode(models.TextChoices):
    """How an open discussion goes; the presenters and their moderators write as they like in each."""

    OPEN = "open", pgettext_lazy("discussion", "Open")
    SLOW = "slow", pgettext_lazy("discussion", "Slow: each writes now and then")
    APPROVED = "approved", pgettext_lazy("discussion", "Messages are shown once approved")
    QUESTIONS = "questions", pgettext_lazy("discussion", "Questions only: listeners write no message")


class ToMeeting(models.TextChoices):
    """What listeners write that is sent into the meeting, so that a crowd does not flood it."""

    ALL = "all", _("Every message")
    APPROVED = "approved", _("Only the messages that a moderator chooses")
    VOTED = "voted", _("Only the questions with enough votes")
    NOTHING = "nothing", _("Nothing")


class ReplayFor(models.TextChoices):
    """Who sees a live again."""

    NOTHING = "nothing", _("Nobody: nothing is recorded")
    PRESENTERS = "presenters", _("Presenters and moderators only")
    ATTENDEES = "attendees", _("Those who could attend the live")
    PUBLIC = "public", _("Everybody, without an account or a password")


class CaptionsFrom(models.TextChoices):
    """Who tells what is said, as captions."""

    NOBODY = "", pgettext_lazy("captions", "No captions")
    MEETING = "meeting", _("The meeting: BigBlueButton’s own transcription")
    ENGINE = "engine", _("This platform, automatically")
    OUTSIDE = "outside", _("A person or a service that has a token")


DEFAULT_REPLAY_DAYS = 30


class Event(models.Model):
    """A live event ("direct"). Its page follows the live itself, not only the planned hours.

    Only `domain.set_state` writes `state`, `since` and `stream_held_since`. `state` is empty for an event without a livestream, of
    which only the planned hours are known.
    """

    title = models.CharField(_("title"), max_length=250)
    slug = models.SlugField(max_length=300, unique=True, editable=False)
    description = models.TextField(_("description"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="owned_events",
        verbose_name=_("owner"),
    )
    additional_owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="co_owned_events",
        verbose_name=_("additional owners"),
    )
    broadcaster = models.ForeignKey(
        Broadcaster, on_delete=models.PROTECT, related_name="events", verbose_name=_("broadcaster")
    )
    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    is_draft = models.BooleanField(_("draft"), default=False)
    is_restricted = models.BooleanField(_("restricted to logged-in people"), default=False)
    access_groups = models.ManyToManyField(
        AccessGroup, blank=True, related_name="events", verbose_name=_("groups allowed")
    )
    password = models.CharField(
        _("password"),
        max_length=64,
        blank=True,
        help_text=_("Asked of everyone who watches, except the owners."),
    )
    speakers = models.CharField(_("speakers"), max_length=300, blank=True)
    # Of its poster, in its address; empty without one.
    poster_mark = models.CharField(max_length=16, blank=True, editable=False)
    # Written with `RegistrationRules`: what is asked of each viewer stands in the event itself.
    needs_registration = models.BooleanField(default=False, editable=False)
    enable_chat = models.BooleanField(_("chat"), default=False)
    enable_questions = models.BooleanField(_("questions"), default=True)
    questions_anonymous = models.BooleanField(_("questions may be anonymous"), default=True)
    questions_approved = models.BooleanField(_("questions are shown once approved"), default=False)
    enable_reactions = models.BooleanField(_("reactions"), default=True)
    enable_hands = models.BooleanField(_("raised hands"), default=False)
    stage_places = models.PositiveSmallIntegerField(_("listeners on stage at once"), default=1)
    moderators = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="moderated_events", verbose_name=_("moderators")
    )
    chat_mode = models.CharField(_("discussion"), max_length=9, choices=ChatMode, default=ChatMode.OPEN)
    slow_s = models.PositiveSmallIntegerField(_("seconds between two messages of one listener"), default=30)
    guests_may_write = models.BooleanField(_("guests may write"), default=False)
    names_hidden = models.BooleanField(_("listeners’ names are hidden from listeners"), default=False)
    held_words = models.TextField(_("words that hold a message back"), blank=True)
    to_meeting = models.CharField(
        _("sent into the meeting"), max_length=8, choices=ToMeeting, default=ToMeeting.ALL
    )
    to_meeting_votes = models.PositiveSmallIntegerField(_("votes that a question needs"), default=5)
    after_text = models.TextField(_("message once the live is over"), blank=True)
    survey_url = models.URLField(_("survey"), max_length=500, blank=True)
    conversation_stays = models.BooleanField(_("conversation can be read afterwards"), default=True)
    replay_for = models.CharField(
        _("replay for"), max_length=10, choices=ReplayFor, default=ReplayFor.PRESENTERS
    )
    replay_days = models.PositiveSmallIntegerField(_("days a replay is kept"), default=DEFAULT_REPLAY_DAYS)
    captions_from = models.CharField(
        _("captions"), max_length=8, choices=CaptionsFrom, default=CaptionsFrom.NOBODY, blank=True
    )
    captions_language = models.CharField(_("language of the captions"), max_length=10, default="fr")
    attendance_pseudonyms = models.BooleanField(_("attendance under pseudonyms"), default=False)
    pinned = models.ForeignKey(
        "Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    state = models.CharField(max_length=12, choices=EventState, blank=True, editable=False)
    since = models.DateTimeField(null=True, editable=False)
    # A running live holds its broadcaster's stream. When two claim the same stream, the earlier one holds it.
    stream_held_since = models.DateTimeField(null=True, editable=False)
    # It holds the stream, and no ticket opens it: presenters are backstage.
    is_backstage = models.BooleanField(default=False, editable=False)
    # RFC 5545's SEQUENCE and DTSTAMP: they follow each change of what calendars show.
    calendar_sequence = models.PositiveIntegerField(default=0, editable=False)
    calendar_stamp = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["start_at", "pk"]
        indexes = [models.Index(fields=["is_draft", "end_at"]), models.Index(fields=["start_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="event_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("live:event", args=[self.slug])

    @cached_property
    def standings(self) -> dict[int, Role | None]:
        """What `rights.standing` answered for this object, by account."""
        return {}

    @property
    def poster_url(self) -> str:
        """Where its poster is; empty without one."""
        return self._poster("full")

    @property
    def thumbnail_url(self) -> str:
        """Where its poster is, small; empty without one."""
        return self._poster("small")

    def _poster(self, size: str) -> str:
        if not self.poster_mark:
            return ""
        return reverse("live:poster", args=[self.slug, self.poster_mark, size])

    @property
    def door(self) -> str:
        """The event's name in `amphi.system.passwords`."""
        return f"event-{self.pk}"
