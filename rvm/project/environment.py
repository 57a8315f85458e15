"""Parsing of environment variables for the settings; all errors are collected and reported together.

Each variable can be given as a file instead: NAME_FILE is the path of a file with the value of NAME.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import FileAwareEnv
from environs.exceptions import EnvValidationError
from marshmallow import ValidationError

from rvm.platform.encryption.keys import KeyRing, KeysMalformed


class Secret(str):
    """A text that no representation shows: not that of a setting, an error or a log line."""

    def __repr__(self) -> str:
        return "'…'"


def hide_passwords(settings: dict[str, Any]) -> None:
    """Make the passwords in a database's settings secrets, those of its options too."""
    for name, value in settings.items():
        if isinstance(value, dict):
            hide_passwords(value)
        elif isinstance(value, str) and "password" in name.lower():
            settings[name] = Secret(value)


class _FileRefused(Exception):
    """The message says what is wrong with the file of a variable."""


class FileEnv(FileAwareEnv):
    """Reads variables of the environment and their files; a file is read once, because it may be a pipe."""

    def __init__(self) -> None:
        super().__init__(eager=False)
        self.refused: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def _get_value(self, env_key: str, default: Any) -> Any:
        path = os.environ.get(f"{env_key}{self.file_suffix}", "")
        if not path or env_key in self.refused:
            return super(FileAwareEnv, self)._get_value(env_key, default)
        try:
            if env_key not in self._texts:
                self._texts[env_key] = _text_of(env_key, path)
        except _FileRefused as refused:
            self.refused[env_key] = str(refused)
            return default
        return self._texts[env_key]


def _text_of(name: str, path: str) -> str:
    """The value of the variable `name` in a file, without the end of its last line. Raises _FileRefused."""
    if os.environ.get(name):
        raise _FileRefused(f"is set, and so is {name}_FILE; remove one of them.")
    try:
        with Path(path).open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise _FileRefused(f"cannot be read from {path}, which {name}_FILE names: {why}.") from None
    if not text:
        raise _FileRefused(f"is empty in {path}, which {name}_FILE names; write its value into the file.")
    if mode & stat.S_IROTH and os.environ.get("RVM_ENVIRONMENT", "production") == "production":
        raise _FileRefused(f"can be read by every account of this machine in {path}; run chmod o= on the file.")
    return text


def require(rule: str, holds: Callable[[Any], bool]) -> Callable[[Any], None]:
    """A validator whose error message is `must be {rule}`."""

    def check(value: Any) -> None:
        if not holds(value):
            raise ValidationError(f"must be {rule}")

    return check


def parse_key_ring(
    value: str, *, random: bool = False, apart_from: Mapping[str, KeyRing | None] | None = None, **_: Any
) -> KeyRing:
    """`random`: whether keys that are obviously not random are refused. `apart_from`: key rings, by the name of their variable,
    that must have no key in common with this one."""
    try:
        ring = KeyRing.parse(value)
        if random:
            ring.refuse_guessable()
    except KeysMalformed as error:
        raise ValidationError(f"{error}.") from None
    for name, other in (apart_from or {}).items():
        if other and not set(ring.keys.values()).isdisjoint(other.keys.values()):
            raise ValidationError(
                f"has a key of {name}; make one of its own, because who learns the one must not have the other."
            )
    return ring


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


def seal(env: FileEnv) -> None:
    """Raise one ImproperlyConfigured that names all missing and malformed variables."""
    problems: dict[str, str] = {}
    try:
        env.seal()
    except EnvValidationError as error:
        # A list only where a single value is parsed.
        for name, messages in cast(Mapping[str, list[str]], error.error_messages).items():
            problems[name] = " ".join(map(str, messages))
    problems |= env.refused
    if problems:
        raise ImproperlyConfigured(
            "RVM cannot start; these environment variables need attention (see .env.example):\n"
            + "\n".join(f"  {name}: {problem}" for name, problem in sorted(problems.items()))
        )
