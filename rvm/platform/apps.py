from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created


class PlatformConfig(AppConfig):
    name = "rvm.platform"
    label = "platform"
    verbose_name = "Team and keys"

    def ready(self) -> None:
        import rvm.platform.accounts.record  # these connect their signals
        import rvm.platform.accounts.second_factor.secrets
        import rvm.platform.accounts.sessions  # noqa: F401
        from rvm.platform.database import grants, session
        from rvm.platform.events import retention, types
        from rvm.platform.retention import purges
        from rvm.platform.rotation import audit_seals, columns, files, indexes, second_factors, stores
        from rvm.platform.webhooks import event_types, watches
        from rvm.platform.webhooks import retention as webhook_retention

        stores.CIPHERTEXTS += [columns.encrypted_columns, files.stored_files, second_factors.second_factors]
        stores.INDEXES.append(indexes.index_columns)
        stores.REMAINDERS.append(audit_seals.seals_under_older_keys)
        connection_created.connect(session.prepare)
        checks.register(session.check_pooler, checks.Tags.database)
        checks.register(grants.check_role, checks.Tags.database)
        purges.PURGES += [webhook_retention.DELIVERIES, retention.EVENTS]
        types.add(event_types.TYPES)
        watches.register()
