"""In production no process starts that would talk to Redis, PostgreSQL or carriers in the open; no message repeats a password."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rvm.project.environment import is_guarded_database, is_guarded_redis, is_public_address


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("rediss://redis.example.org:6379/0", True),
        ("rediss://:pw@redis.example.org/0?ssl_ca_certs=/etc/ca.pem", True),
        ("rediss://redis.example.org/0?ssl_cert_reqs=required", True),
        ("rediss://redis.example.org/0?ssl_cert_reqs=none", False),
        ("rediss://redis.example.org/0?ssl_cert_reqs=optional", False),
        ("rediss://redis.example.org/0?ssl_check_hostname=False", False),
        ("unix:///run/redis/redis.sock", True),
        ("unix:///run/redis/redis.sock?db=1", True),
        ("redis://:pw@redis.example.org:6379/0", True),
        ("redis://user:pw@redis.example.org/0", True),
        ("redis://redis.example.org/0?password=pw", True),
        ("redis://redis.example.org:6379/0", False),
        ("redis://user@redis.example.org/0", False),
        ("redis://:@redis.example.org/0", False),
        ("redis://10.0.0.7/0", False),
        ("redis://0.0.0.0/0", False),
        ("redis://localhost.example.org/0", False),
        ("redis://127.0.0.1.example.org/0", False),
        ("redis://localhost:6379/0", True),
        ("redis://127.0.0.1/0", True),
        ("redis://127.9.9.9/0", True),
        ("redis://[::1]:6379/0", True),
        ("redis:///0", True),
        ("http://:pw@redis.example.org/0", False),
        ("", False),
        ("redis.example.org:6379", False),
        ("redis://[:pw@x", False),
    ],
)
def test_redis_has_tls_a_socket_or_a_password_unless_it_is_on_this_machine(url: str, guarded: bool) -> None:
    assert is_guarded_redis(url) is guarded


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("postgresql://u:p@db.example.org/rvm?sslmode=verify-full", True),
        ("postgresql://u:p@db.example.org:5432/rvm?sslmode=require", True),
        ("postgresql://u:p@db.example.org/rvm?sslmode=disable", True),
        ("postgresql://u:p@db.example.org/rvm?sslmode=prefer", False),
        ("postgresql://u:p@db.example.org/rvm?sslmode=allow", False),
        ("postgresql://u:p@db.example.org/rvm", False),
        ("postgresql://u:p@one.example.org:5432,localhost:5433/rvm", False),
        ("postgresql://u:p@localhost:5432,[::1]:5433/rvm", True),
        ("postgresql:///rvm", True),
        ("postgresql:///rvm?host=/run/postgresql", True),
        ("postgresql:///rvm?host=db.example.org", False),
        ("postgresql://rvm@%2Ftmp%2Frvm-x/rvm", True),
        ("postgres://u:p@127.0.0.1/rvm", True),
        ("mysql://u:p@127.0.0.1/rvm", False),
        ("", False),
    ],
)
def test_postgresql_on_another_machine_has_an_sslmode(url: str, guarded: bool) -> None:
    assert is_guarded_database(url) is guarded


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://rvm.example.org", True),
        ("https://rvm.example.org:8443", True),
        ("http://rvm.example.org", False),
        ("https://rvm.example.org/", False),
        ("https://rvm.example.org/rvm", False),
        ("https://user:pw@rvm.example.org", False),
        ("https://", False),
        ("rvm.example.org", False),
    ],
)
def test_the_public_address_is_https(url: str, public: bool) -> None:
    assert is_public_address(url) is public


GOOD = {
    "RVM_ENVIRONMENT": "production",
    "RVM_ALLOWED_HOSTS": "rvm.example.org",
    "RVM_PUBLIC_URL": "https://rvm.example.org",
    "RVM_MEDIA_ROOT": "/srv/rvm/media",
    "REDIS_URL": "rediss://:hunter2@redis.example.org/0",
    "DATABASE_URL": "postgresql://rvm:hunter2@db.example.org/rvm?sslmode=verify-full",
}


def start(
    code: str = "import rvm.project.settings as s; print(s.PRODUCTION)", **variables: str | None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    environment = os.environ | GOOD | {name: value for name, value in variables.items() if value is not None}
    for name in [name for name, value in variables.items() if value is None]:
        environment.pop(name, None)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_production_starts_with_good_addresses() -> None:
    started = start()
    assert (started.returncode, started.stdout) == (0, "True\n")


def test_all_bad_addresses_are_named_at_once_without_their_passwords() -> None:
    refused = start(
        REDIS_URL="redis://hunter2@redis.example.org/0",
        DATABASE_URL="postgresql://rvm:hunter2@db.example.org/rvm",
        RVM_PUBLIC_URL="http://hunter2@rvm.example.org",
    )
    assert refused.returncode != 0
    for sentence in (
        "REDIS_URL: must be rediss:// (TLS, with a verified certificate), unix:// (a socket), or redis:// with a password",
        "DATABASE_URL: must be a postgresql:// address with an sslmode",
        "RVM_PUBLIC_URL: must be an https:// address",
    ):
        assert sentence in refused.stderr
    assert "hunter2" not in refused.stderr + refused.stdout


def test_what_cannot_be_read_is_not_repeated_either() -> None:
    refused = start(REDIS_URL="redis:/:hunter2", DATABASE_URL="postgresql//rvm:hunter2@db.example.org:port/rvm")
    assert refused.returncode != 0
    assert "hunter2" not in refused.stderr + refused.stdout


def test_a_missing_address_is_named_once() -> None:
    refused = start(DATABASE_URL=None)
    assert refused.stderr.count("DATABASE_URL:") == 1
    assert "must be a postgresql" not in refused.stderr


def test_development_asks_for_none_of_it() -> None:
    started = start(
        RVM_ENVIRONMENT="development",
        REDIS_URL="redis://redis/0",
        RVM_PUBLIC_URL="http://10.0.0.7:8000",
        DATABASE_URL="postgresql://u@db/rvm",
    )
    assert started.returncode == 0


def test_what_browsers_keep_of_https_is_the_operators_choice() -> None:
    printed = "import rvm.project.settings as s; print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)"
    assert start(code=printed).stdout == "True False\n"
    assert start(code=printed, RVM_HSTS_SUBDOMAINS="false", RVM_HSTS_PRELOAD="true").stdout == "False True\n"
