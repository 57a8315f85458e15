from django.apps import AppConfig


class SimulatorsConfig(AppConfig):
    """The app of the command sandbox."""

    name = "rvm.simulators"
    label = "simulators"
