from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LtiConfig(AppConfig):
    name = "amphi.lti"
    verbose_name = _("Learning platforms (LTI)")
