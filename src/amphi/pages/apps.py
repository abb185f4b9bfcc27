from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "amphi.pages"
