from django.apps import AppConfig


class WebinarsConfig(AppConfig):
    name = "amphi.webinars"

    def ready(self) -> None:
        from amphi.webinars import checks  # noqa: F401, PLC0415 -- registers them
