"""A Redis with a known hole is warned of where strangers may reach it."""

from __future__ import annotations

from typing import Any

import pytest

from rvm.platform import redis_connection


@pytest.mark.parametrize(
    ("name", "version", "patched"),
    [
        ("redis", "6.2.14", False),
        ("redis", "6.2.23", True),
        ("redis", "7.0.15", False),
        ("redis", "7.2.10", False),
        ("redis", "7.4.10", True),
        ("redis", "8.0.3", False),
        ("redis", "8.2.8", True),
        ("redis", "8.9.0", True),
        ("redis", "5.0.7", False),
        ("redis", "unstable", True),
        ("valkey", "8.0.5", False),
        ("valkey", "9.0.5", True),
        ("dragonfly", "1.0.0", True),
    ],
)
def test_which_releases_have_the_patch(name: str, version: str, patched: bool) -> None:
    assert redis_connection.is_patched(name, version) is patched


def test_an_old_one_is_warned_of_over_the_network_only(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def info(self, section: str) -> dict[str, str]:
            return {"redis_version": "6.2.14"}

    monkeypatch.setattr(redis_connection, "redis_client", Old)
    assert redis_connection.old_version() == ""
    settings.REDIS_URL = "rediss://:secret@redis.example.org:6379/0"
    told = redis_connection.old_version()
    assert "Redis 6.2.14" in told and "secret" not in told and "example.org" not in told


def test_the_tests_own_server_tells_its_version() -> None:
    assert redis_connection.redis_client().info("server")["redis_version"]
