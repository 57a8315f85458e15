from django.apps import AppConfig


class DevtoolsConfig(AppConfig):
    """The app of the commands demo, up, seed and bench."""

    name = "rvm.devtools"
    label = "devtools"
