"""Parsing of environment variables for the settings; all errors are collected and reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env
from environs.exceptions import EnvValidationError
from marshmallow import ValidationError

from rvm.platform.encryption.keys import KeyRing, KeysMalformed


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


REDIS_RULE = (
    "rediss:// (TLS, with a verified certificate), unix:// (a socket), or redis:// with a password, as in"
    " redis://:password@host:6379/0; only a Redis on this machine may go without"
)
DATABASE_RULE = (
    "a postgresql:// address with an sslmode, as in ?sslmode=verify-full (verify-ca and require are allowed; disable says that"
    " nobody else can listen on the way); only a socket or a server on this machine may go without"
)
PUBLIC_RULE = "an https:// address, without a path or a slash at the end"


def is_guarded_redis(url: str) -> bool:
    """Whether strangers on the network can neither use this Redis nor pretend to be it, or it is on this machine."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == "rediss":
        is_verified = options.get("ssl_cert_reqs", ["required"])[-1].lower() in ("required", "2")
        return is_verified and options.get("ssl_check_hostname", ["true"])[-1].lower() in ("true", "1", "yes")
    if parts.scheme == "redis":
        return bool(parts.password or options.get("password")) or _is_this_machine(host)
    return parts.scheme == "unix"


def is_guarded_database(url: str) -> bool:
    """Whether the address of a PostgreSQL on another machine says how its connections are protected."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        listed = options.get("host", [parts.netloc.rpartition("@")[2]])[-1]
        hosts = [host if host.startswith("/") else urlsplit(f"//{host}").hostname for host in listed.split(",")]
    except ValueError:
        return False
    is_said = options.get("sslmode", [""])[-1] in ("verify-full", "verify-ca", "require", "disable")
    return parts.scheme in ("postgresql", "postgres") and (is_said or all(map(_is_this_machine, hosts)))


def is_public_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not (parts.path or parts.query or parts.username)


def _is_this_machine(host: str | None) -> bool:
    """Whether the host is this machine; a path is one of its sockets, and no host is the default of the clients: this machine."""
    if not host or host == "localhost" or host.startswith(("/", "%2f", "%2F")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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
