from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebinarsConfig(AppConfig):
    name = "amphi.webinars"
    verbose_name = _("Webinars")

    def ready(self) -> None:
        from amphi.webinars import checks  # noqa: F401, PLC0415 -- registers them
