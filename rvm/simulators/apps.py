from django.apps import AppConfig


class SimulatorsConfig(AppConfig):
    """Installed for its command, sandbox."""

    name = "rvm.simulators"
    label = "simulators"
