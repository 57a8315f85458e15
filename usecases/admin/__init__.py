"""The admin of numbers, use cases and suppressions. Setups are registered by the delivery layer, which knows the carriers."""

from usecases.admin import phone_numbers, suppressions, use_cases

__all__ = ["phone_numbers", "suppressions", "use_cases"]
