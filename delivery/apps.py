from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        from delivery.engine import circuit_breaker
        from rvm.platform.observability import health

        health.WARNINGS.append(circuit_breaker.warning)
