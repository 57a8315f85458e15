"""Admin of numbers, freezes of states, consents and suppressions, and the base of that of use cases.

The delivery layer registers setups and use cases, because it has the carriers."""

from usecases.admin import consents, freezes, phone_numbers, suppressions

__all__ = ["consents", "freezes", "phone_numbers", "suppressions"]
