from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Installed for its commands and templates."""

    name = "rvm.project"
    label = "project"
