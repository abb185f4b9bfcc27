from django.apps import AppConfig


class PodImportConfig(AppConfig):
    name = "amphi.pod_import"
