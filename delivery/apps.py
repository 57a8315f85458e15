from django.apps import AppConfig
from django.core import checks


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = "Reaching people"

    def ready(self) -> None:
        from delivery.api import event_types
        from delivery.calls import readiness
        from delivery.engine import circuit_breaker, moved_drops
        from delivery.models import Voicemail
        from delivery.recordings import storage
        from delivery.retention import commands, numbers, recordings, reports
        from delivery.services import audit_words, forgotten_claims, voicemail_indexes
        from delivery.services.suppressions import end_waiting
        from delivery.setups import system_checks
        from delivery.worker import failed_work
        from rvm.platform import organisations, quotas
        from rvm.platform.audit import vocabulary
        from rvm.platform.events import types
        from rvm.platform.health.checks import WARNINGS
        from rvm.platform.retention import purges
        from rvm.platform.rotation import indexes, stores
        from rvm.platform.sending_hold import service as sending_hold
        from usecases import suppressions

        WARNINGS.extend([circuit_breaker.warning, system_checks.warning, readiness.warning])
        checks.register(system_checks.check_carriers, system_checks.TAG)
        sending_hold.CHECKLIST += [
            forgotten_claims.newest_attempt,
            forgotten_claims.waiting,
            forgotten_claims.unknown_attempts,
        ]
        failed_work.register()
        indexes.SUBCLASSES[Voicemail] = voicemail_indexes.VoicemailIndexes
        stores.REMAINDERS.append(voicemail_indexes.recent_drops_from_before)
        organisations.ON_MOVED.append(moved_drops.begin)
        suppressions.ON_ADDED.append(end_waiting)
        quotas.QUOTAS.append(storage.SOUNDS)
        purges.PURGES += [numbers.NUMBERS, reports.REPORTS, commands.COMMANDS, recordings.RECORDINGS, recordings.CLIPS]
        vocabulary.add(audit_words.MESSAGES, audit_words.DISCLOSURES, audit_words.SUBJECTS)
        types.add(event_types.TYPES)
