"""Parsing of environment variables for the settings; all errors are collected and reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from environs import Env
from environs.exceptions import EnvValidationError
from marshmallow import ValidationError

from rvm.platform.encryption.crypto import KeyRing, KeysMalformed


class Secret(str):
    """A text that no representation shows: not that of a setting, an error or a log line."""

    def __repr__(self) -> str:
        return "'…'"


def require(rule: str, holds: Callable[[Any], bool]) -> Callable[[Any], None]:
    """A validator whose error message is `must be {rule}`."""

    def check(value: Any) -> None:
        if not holds(value):
            raise ValidationError(f"must be {rule}")

    return check


def parse_key_ring(value: str, **_: Any) -> KeyRing:
    try:
        return KeyRing.parse(value)
    except KeysMalformed as error:
        raise ValidationError(str(error)) from error


def seal(env: Env) -> None:
    """Raise one ImproperlyConfigured that names all missing and malformed variables."""
    try:
        env.seal()
    except EnvValidationError as error:
        messages_by_name = cast(
            Mapping[str, list[str]], error.error_messages
        )  # a list only where a single value is parsed
        problems = (f"  {name}: {' '.join(map(str, messages))}" for name, messages in sorted(messages_by_name.items()))
        raise ImproperlyConfigured(
            "RVM cannot start; these environment variables need attention (see .env.example):\n" + "\n".join(problems)
        ) from None
