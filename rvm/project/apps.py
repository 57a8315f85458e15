from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Installed for its templates."""

    name = "rvm.project"
    label = "project"
