from django.apps import AppConfig


class UseCasesConfig(AppConfig):
    name = "usecases"
    verbose_name = "Use cases"

    def ready(self) -> None:
        from rvm.platform.observability import health
        from usecases.attestations import agreements
        from usecases.rule_review import overdue_review

        health.WARNINGS.append(overdue_review)
        health.WARNINGS.append(agreements.warning)
