from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created


class PlatformConfig(AppConfig):
    name = "rvm.platform"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        import rvm.platform.accounts.record
        import rvm.platform.accounts.second_factor.secrets  # noqa: F401  # both connect their signals
        from rvm.platform.database import session

        connection_created.connect(session.prepare)
        checks.register(session.check_pooler, checks.Tags.database)
