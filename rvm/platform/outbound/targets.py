"""Addresses that users name, judged as they are written: https, a host with a name, a usual port, no credentials. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from rvm.platform.errors import ServiceError

MAX_LENGTH = 2048
PORTS = (443, 8443)
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED = "url_refused"

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# A host whose last label begins with a digit is a number for some programs: 127.1, 0x7f.0.0.1, 2130706433.
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]\.?")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked for. `local`: it names the loopback, which only development opens."""

    url: str = field(repr=False)
    host: str = field(repr=False)
    path: str = field(repr=False)
    local: bool = False


def read_target(
    url: str, *, loopback: bool = False, is_own: Callable[[str], bool] = lambda host: False, name: str = "url"
) -> Target:
    """The target of an address. Raises ServiceError with REFUSED at the field `name`, whose message quotes no part of the address.

    `loopback`: over http too, this machine may be named. `is_own` says whether a host is this installation's.
    """
    parts, host, port = _read(url, name)
    if loopback and host in LOOPBACK_HOSTS and parts.scheme in ("http", "https"):
        return Target(_joined(parts, parts.netloc), host, parts.path, local=True)
    if parts.scheme != "https":
        raise _refused("The address must begin with https://.", name)
    if not _NAME.fullmatch(host):
        raise _refused(
            "The address must name its host in full, as files.example.org does: no number, no single word.", name
        )
    if port not in (None, *PORTS):
        raise _refused(f"The address names port {port}; only {PORTS[0]} and {PORTS[1]} are open.", name)
    if is_own(host.rstrip(".")):
        raise _refused("The address leads to this installation itself.", name)
    return Target(_joined(parts, host if port is None else f"{host}:{port}"), host, parts.path)


def _read(url: str, name: str) -> tuple[SplitResult, str, int | None]:
    """The parts of the address, its host and its port. Raises ServiceError."""
    if len(url) > MAX_LENGTH:
        raise _refused(f"An address has at most {MAX_LENGTH:,} characters; this one has {len(url):,}.", name)
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise _refused(
            "The address has a space, a backslash or a character outside of ASCII, or is empty; write these percent-encoded, and a"
            " host's name as xn--….",
            name,
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused(
            "The address is malformed; it must look like https://files.example.org/reminder.mp3.", name
        ) from None
    if "@" in parts.netloc:
        raise _refused(
            "The address has a user name or a password; nothing is asked for with credentials, so leave them out.", name
        )
    return parts, host, port


def _refused(message: str, name: str) -> ServiceError:
    return ServiceError(REFUSED, message, field=name)


def _joined(parts: SplitResult, place: str) -> str:
    """The address anew, so that no other program reads another host in it; without its fragment, which is never sent."""
    return f"{parts.scheme}://{place}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
