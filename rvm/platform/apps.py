from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created


class PlatformConfig(AppConfig):
    name = "rvm.platform"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        import rvm.platform.accounts.record  # noqa: F401  # connects its signals
        import rvm.platform.accounts.second_factor.secrets  # noqa: F401  # connects its signal
        from rvm.platform.database import session

        connection_created.connect(session.prepare)
        checks.register(session.check_pooler, checks.Tags.database)
