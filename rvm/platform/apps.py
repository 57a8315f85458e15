from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created


class PlatformConfig(AppConfig):
    name = "rvm.platform"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        from rvm.platform import database

        connection_created.connect(database.prepare)
        checks.register(database.check_pooler, checks.Tags.database)
