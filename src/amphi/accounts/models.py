"""Who uses the platform."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class AccessGroup(models.Model):
    """A set of people to which events may be restricted; usually filled by single sign-on."""

    code_name = models.SlugField(_("code"), max_length=250, unique=True)
    display_name = models.CharField(_("name"), max_length=250)

    class Meta:
        verbose_name = _("access group")
        verbose_name_plural = _("access groups")
        ordering = ["display_name"]

    def __str__(self) -> str:
        return self.display_name


class User(AbstractUser):
    """A person. `affiliation` is a value of eduPersonAffiliation: student, faculty, staff, employee, member."""

    affiliation = models.CharField(_("affiliation"), max_length=50, default="student", blank=True)
    access_groups = models.ManyToManyField(
        AccessGroup, verbose_name=_("access groups"), blank=True, related_name="users"
    )

    language = models.CharField(
        _("language"), max_length=5, blank=True, help_text=_("Language of emails; empty: the platform’s own.")
    )

    class Meta(AbstractUser.Meta):
        # Email addresses are looked up without regard to case.
        indexes = [models.Index(Lower("email"), name="user_address_in_any_case")]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class WrongGuesses(models.Model):
    """A counter of wrong passwords, see `amphi.accounts.guesses`."""

    key = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.number} since {self.since}"
