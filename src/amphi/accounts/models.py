"""Who uses the platform."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from amphi.system.encrypted import EncryptedTextField


class AccessGroup(models.Model):
    """A set of people to which events may be restricted; usually filled by single sign-on."""

    code_name = models.CharField(
        _("code"),
        max_length=250,
        unique=True,
        help_text=_("As single sign-on names it: a value of isMemberOf or memberOf, or an affiliation."),
    )
    display_name = models.CharField(_("name"), max_length=250)

    class Meta:
        verbose_name = _("access group")
        verbose_name_plural = _("access groups")
        ordering = ["display_name"]

    def __str__(self) -> str:
        return self.display_name


class User(AbstractUser):
    """A person. `affiliation` is a value of eduPersonAffiliation: student, faculty, staff, employee, member.

    `affiliations` are all that the last sign-on told; the administration changes only the first. `tickets_epoch` counts how often
    the tickets of the account were ended: by a logout, or by the system that they signed on by.
    """

    affiliation = models.CharField(_("affiliation"), max_length=50, default="student", blank=True)
    affiliations = models.JSONField(_("all affiliations"), default=list, blank=True, editable=False)
    access_groups = models.ManyToManyField(
        AccessGroup, verbose_name=_("access groups"), blank=True, related_name="users"
    )

    language = models.CharField(
        _("language"), max_length=5, blank=True, help_text=_("Language of emails; empty: the platform’s own.")
    )

    tickets_epoch = models.PositiveIntegerField(default=0, editable=False)

    class Meta(AbstractUser.Meta):
        # Email addresses are looked up without regard to case.
        indexes = [models.Index(Lower("email"), name="user_address_in_any_case")]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Identity(models.Model):
    """Who a person is for a system of the university. It alone decides which account somebody gets, never an email address.

    Attributes:
        provider: the system: ``cas``, ``ldap``, ``shibboleth``, ``oidc <issuer>`` or ``saml <entity>``.
        subject: the person's identifier there.
        told_affiliation: whether the system ever told an affiliation; if not, the one of the administration stays.
        groups: the access groups that the last login gave, which the next one may take away.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="identities", verbose_name=_("account")
    )
    provider = models.CharField(_("system"), max_length=300)
    subject = models.CharField(_("identifier"), max_length=250)
    told_affiliation = models.BooleanField(default=False, editable=False)
    groups = models.ManyToManyField(AccessGroup, blank=True, editable=False, related_name="+")
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    seen_at = models.DateTimeField(_("last login"), null=True, editable=False)

    class Meta:
        verbose_name = _("sign-on identity")
        verbose_name_plural = _("sign-on identities")
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="identity_is_one_account")
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.subject}"


class SignOnSession(models.Model):
    """A session that began with a sign-on, which the other system may end. It goes with the session."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, primary_key=True, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="sessions")
    mark = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["mark"], name="sign_on_session_mark")]

    def __str__(self) -> str:
        return f"{self.identity} {self.mark[:8]}"


class WrongGuesses(models.Model):
    """A counter of wrong passwords, see `amphi.accounts.guesses`."""

    key = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.number} since {self.since}"


class ApiToken(models.Model):
    """A key to the API, made by its owner. See `amphi.accounts.tokens`.

    Attributes:
        name: what its owner calls it.
        digest: SHA-256 of the token, which itself is nowhere kept.
        scopes: what it opens; never more than its owner may do.
        counted: its requests in the minute that began at `counted_since`.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("account"),
    )
    name = models.CharField(_("name"), max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    counted = models.PositiveIntegerField(default=0, editable=False)
    counted_since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name


class ApiAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, to be answered again. See `amphi.accounts.repeats`.

    Attributes:
        request: SHA-256 of method, address and body.
        status: HTTP's; None while the first request is under way.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="answers")
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    # It may have an address that lets its reader into a meeting.
    body = EncryptedTextField(blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_for_a_key")]

    def __str__(self) -> str:
        return self.key
