from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailsConfig(AppConfig):
    name = "amphi.mails"
    verbose_name = _("emails")
