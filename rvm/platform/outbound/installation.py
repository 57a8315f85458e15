"""Targets as this installation takes them: never itself, and the loopback only outside of production."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

from rvm.platform.outbound.targets import Target, read_target


def target_of(url: str, *, name: str = "url") -> Target:
    """The target of a user's address. Raises ServiceError at the field `name`."""
    return read_target(url, loopback=settings.RVM_OUTBOUND_LOOPBACK, is_own=_is_own, name=name)


def _is_own(host: str) -> bool:
    named = [urlsplit(url).hostname for url in (settings.RVM_PUBLIC_URL, settings.RVM_CARRIERS_URL) if url]
    return host in named or validate_host(host, [pattern for pattern in settings.ALLOWED_HOSTS if pattern != "*"])
