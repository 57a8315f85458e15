"""Admin of numbers, freezes of states, consents, suppressions and inbound messages, and the base of that of use cases.

The delivery layer registers setups and use cases, because it has the carriers."""

from usecases.admin import consents, freezes, inbound, phone_numbers, suppressions

__all__ = ["consents", "freezes", "inbound", "phone_numbers", "suppressions"]
