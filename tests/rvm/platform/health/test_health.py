"""Each part that is missing is named by /readyz with what to do; /livez does not care."""

from __future__ import annotations

import socket
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.utils import ConnectionHandler
from django.test import Client
from django.utils import timezone
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from rvm.platform.health import checks
from rvm.platform.models import Heartbeat
from rvm.platform.redis_connection import redis_client
from rvm.platform.times import tz_database
from tests.factories import make_setup

pytestmark = pytest.mark.django_db


def beat(redis: Redis, age: float = 0, **extra: str) -> None:
    at = datetime.now(UTC) - timedelta(seconds=age)
    redis.hset("rq:worker:test", mapping={"last_heartbeat": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **extra})


@pytest.fixture(autouse=True)
def all_well(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    redis = redis_client()
    for queue in settings.RQ_QUEUES:
        redis.delete(f"rq:workers:{queue}")
        redis.sadd(f"rq:workers:{queue}", "rq:worker:test")
    beat(redis)
    Heartbeat.objects.create(name="tick", at=timezone.now())
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: 0)
    monkeypatch.setattr(checks, "_migrated", False)
    monkeypatch.setattr(tz_database, "release", lambda: of_today())
    yield redis
    redis.delete("rq:worker:test", *(f"rq:workers:{queue}" for queue in settings.RQ_QUEUES))


def of_today(days: int = 0) -> tz_database.Release:
    """A release that is at most so many days old."""
    return tz_database.Release("2026.6", "2026f", timezone.now().date() - timedelta(days=days))


def ask() -> tuple[int, dict[str, tuple[bool, str]]]:
    response = Client().get("/readyz")
    body = response.json()
    assert body["ready"] == (response.status_code == 200)
    return response.status_code, {check["name"]: (check["ok"], check["detail"]) for check in body["checks"]}


def fails(name: str, message: str) -> None:
    status, checks = ask()
    assert status == 503 and [which for which, (ok, _) in checks.items() if not ok] == [name]
    assert message in checks[name][1]


def test_everything_there_is_200() -> None:
    status, checks = ask()
    assert status == 200 and list(checks) == [
        "database",
        "durability",
        "redis",
        "migrations",
        "workers",
        "tick",
        "sending",
    ]


def test_a_silent_tick_is_named() -> None:
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=16))
    fails("tick", "start `manage.py tick`")


def test_a_queue_without_a_worker_is_named(all_well: Redis) -> None:
    all_well.delete("rq:workers:reports")
    fails("workers", "No worker listens on reports; start `manage.py worker reports`.")


def test_a_worker_that_vanished_died_or_fell_silent_does_not_count(all_well: Redis) -> None:
    all_well.delete("rq:worker:test")
    fails("workers", "dispatch, reports")
    beat(all_well, death="2026-01-01T00:00:00.000000Z")
    fails("workers", "dispatch, reports")
    all_well.delete("rq:worker:test")
    beat(all_well, age=checks.WORKER_SECONDS + 1)
    fails("workers", "dispatch, reports")


@pytest.mark.parametrize(
    "text", [b"x", b"\xff\xfe", b"9999-99-99", b"9999-12-31T23:59:59-23:00", b"0001-01-01T00:00:00+23:00", b"1"]
)
def test_a_sign_of_life_that_is_no_time_is_none(all_well: Redis, text: bytes) -> None:
    all_well.hset("rq:worker:test", "last_heartbeat", text)
    fails("workers", "dispatch, reports")


def test_what_is_no_worker_among_the_workers_hides_none(all_well: Redis) -> None:
    all_well.sadd("rq:workers:dispatch", "rq:workers:reports", b"\xff\xfe", "rq:worker:gone")
    assert ask()[0] == 200


def test_asking_changes_nothing_in_redis(all_well: Redis) -> None:
    all_well.delete("rq:worker:test")
    before = sorted(all_well.keys("*"))
    ask()
    assert sorted(all_well.keys("*")) == before


def test_missing_migrations_are_counted_and_applied_ones_are_not_looked_for_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: 2)
    fails("migrations", "2 migrations are not applied")
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: 0)
    assert ask()[0] == 200
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: 1 // 0)
    assert ask()[0] == 200


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("redis", RedisConnectionError("Error 111 connecting to secret-host:6379"), "Redis does not answer"),
        ("database", OperationalError("password for user secret-host"), "PostgreSQL does not answer"),
    ],
)
def test_a_server_that_is_away_is_named_without_its_address(
    monkeypatch: Any, name: str, error: Exception, message: str
) -> None:
    def away() -> str:
        raise error

    monkeypatch.setitem(checks.CHECKS, name, away)
    fails(name, message)
    assert b"secret-host" not in Client().get("/readyz").content


def test_a_database_that_takes_no_writes_is_named() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        fails("database", "PostgreSQL takes no writes")
        transaction.set_rollback(True)
    assert ask()[0] == 200


def test_a_server_that_does_not_flush_is_named_in_production_only(settings: Any) -> None:
    assert ask()[0] == 200, "the tests' own server does not"
    settings.PRODUCTION = True
    fails("durability", "fsync is off")


def test_what_else_is_wrong_with_the_server_is_a_warning_in_production(settings: Any) -> None:
    settings.PRODUCTION = True
    warnings = " ".join(Client().get("/readyz").json()["warnings"])
    assert "full_page_writes is off" in warnings and "The default of synchronous_commit is off" in warnings


def test_a_warning_is_told_and_leaves_the_whole_ready() -> None:
    assert Client().get("/readyz").json()["warnings"] == []
    until = timezone.now()
    make_setup(breaker_until=until, breaker_reason="The account of Lakeside has no funds left.")
    make_setup(breaker_until=until, deleted_at=until)
    answer = Client().get("/readyz")
    told = "1 telephony setup is held back because the carrier fails; the admin's list of setups says why."
    assert (answer.status_code, answer.json()["warnings"]) == (200, [told])
    make_setup(breaker_until=until + timedelta(hours=1))
    assert Client().get("/readyz").json()["warnings"][0].startswith("2 telephony setups are")


def test_a_warning_that_cannot_be_found_out_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> str:
        raise OperationalError("password for user secret-host")

    monkeypatch.setattr(checks, "WARNINGS", [away])
    answer = Client().get("/readyz")
    assert answer.status_code == 200 and answer.json()["warnings"] == []


def test_the_release_of_the_time_zones_is_told_with_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tz_database, "release", lambda: of_today(145))
    told = Client().get("/readyz").json()["time_zones"]
    assert told == {"tzdata": "2026.6", "iana": "2026f", "max_age_days": 145}


def test_time_zones_of_more_than_a_year_ago_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tz_database, "release", lambda: of_today(365))
    assert Client().get("/readyz").json()["warnings"] == []
    monkeypatch.setattr(tz_database, "release", lambda: of_today(366))
    answer = Client().get("/readyz")
    (told,) = answer.json()["warnings"]
    assert (
        answer.status_code == 200 and "tzdata 2026.6 (IANA 2026f)" in told and told.endswith("Install a newer tzdata.")
    )


def test_time_zones_of_the_machine_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ("/usr/share/zoneinfo",))
    (told,) = Client().get("/readyz").json()["warnings"]
    assert told.startswith("This process reads time zones from the machine's own files")


def test_a_database_that_is_cut_off_is_given_up_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cut_off = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": silent.getsockname()[1]}
        begun = time.monotonic()
        with pytest.raises(OperationalError, match="timeout"):
            ConnectionHandler({"default": cut_off})["default"].ensure_connection()
        assert time.monotonic() - begun < 5


def test_livez_answers_without_any_of_them(monkeypatch: Any) -> None:
    monkeypatch.setattr(checks, "CHECKS", {"all": lambda: 1 // 0})
    assert Client().get("/livez").json() == {"live": True}
    assert Client().post("/livez").status_code == 405
