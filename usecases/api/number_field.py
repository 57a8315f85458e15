"""A field for the number of a person, in bodies and query strings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field

from rvm.phone_numbers.numbers import E164
from rvm.platform.api.fields import TextField

_SCHEMA = {"type": "string", "pattern": f"^{E164.pattern}$"}


@extend_schema_field(_SCHEMA)
class WrittenNumberField(TextField):
    """A number that a service reads, which says of a wrong one what is wrong with it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)


@extend_schema_field(_SCHEMA)
class PhoneNumberField(TextField):
    """A number in E.164, exactly as it is stored."""

    default_error_messages = {"number_malformed": "Write the number as + and 7 to 15 digits."}

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def get_value(self, dictionary: Any) -> Any:
        written = super().get_value(dictionary)
        # In a query string an unescaped plus arrives as a space.
        is_unescaped = hasattr(dictionary, "getlist") and isinstance(written, str) and written.startswith(" ")
        return "+" + written[1:] if is_unescaped else written

    def to_internal_value(self, data: Any) -> str:
        number = super().to_internal_value(data)
        if not E164.fullmatch(number):
            self.fail("number_malformed")
        return number
