from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        from delivery import breaker
        from rvm.platform import health

        health.WARNINGS.append(breaker.warning)
