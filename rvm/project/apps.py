from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project's app, installed so that Django finds its templates."""

    name = "rvm.project"
    label = "project"
