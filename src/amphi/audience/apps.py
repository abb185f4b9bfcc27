from django.apps import AppConfig


class AudienceConfig(AppConfig):
    name = "amphi.audience"
