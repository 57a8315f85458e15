from django.apps import AppConfig


class DevtoolsConfig(AppConfig):
    """Installed for its commands: demo, up, seed and bench."""

    name = "rvm.devtools"
    label = "devtools"
