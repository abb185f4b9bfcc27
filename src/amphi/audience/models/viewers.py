"""Who watches: their name in tables, the same as in tickets (``u<user's id>``, ``a<browser's name>``), and their role."""

from django.db import models
from django.utils.translation import gettext_lazy as _

VIEWER_LENGTH = 40


class Role(models.TextChoices):
    """Who somebody is in the hall."""

    PRESENTER = "presenter", _("Presenter")
    MODERATOR = "moderator", _("Moderator")
    LISTENER = "listener", _("Listener")
    GUEST = "guest", _("Guest")
