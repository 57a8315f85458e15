"""Admin of numbers, use cases and suppressions. The delivery layer registers setups, because it has the carriers."""

from usecases.admin import phone_numbers, suppressions, use_cases

__all__ = ["phone_numbers", "suppressions", "use_cases"]
