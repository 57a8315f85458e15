from django.apps import AppConfig


class UseCasesConfig(AppConfig):
    name = "usecases"
    verbose_name = "From whom, under which rules"

    def ready(self) -> None:
        from rvm.platform import organisations
        from rvm.platform.audit import vocabulary
        from rvm.platform.events import types
        from rvm.platform.health.checks import WARNINGS
        from rvm.platform.retention import purges
        from rvm.platform.rotation import indexes, stores
        from usecases.api import event_types
        from usecases.attestations import agreements
        from usecases.inbound import retention
        from usecases.models import Suppression
        from usecases.organisations import copies
        from usecases.rules_in_force import overdue_review
        from usecases.services import audit_words, suppression_indexes

        WARNINGS.append(overdue_review)
        WARNINGS.append(agreements.warning)
        indexes.SUBCLASSES[Suppression] = suppression_indexes.SuppressionIndexes
        stores.REMAINDERS.append(suppression_indexes.without_number)
        organisations.ON_LEFT.append(copies.abandon)
        organisations.ON_SHARED.append(copies.begin)
        purges.PURGES += [retention.OPT_OUTS, retention.OTHERS]
        vocabulary.add(audit_words.MESSAGES, audit_words.DISCLOSURES, audit_words.SUBJECTS)
        types.add(event_types.TYPES)
