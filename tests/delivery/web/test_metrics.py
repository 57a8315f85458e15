"""`/metrics`: what it counts, what it costs, and who may read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.db import DatabaseError, connection
from django.test import Client
from django_rq import get_connection
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import ConnectionError as RedisConnectionError

from delivery.lifecycle.status import VoicemailStatus
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.recordings.links import FETCHES
from delivery.web import gauges, metrics
from delivery.worker import maintenance
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Heartbeat
from rvm.platform.redis_connection import redis_client
from tests.factories import RECIPIENT, make_lane, make_setup, make_use_case, make_voicemail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
COLUMNS = [field.attname for field in Voicemail._meta.concrete_fields if field.attname != "id"]
TOKEN = "a-token-of-at-least-20-characters"
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[a-z0-9_-]*",?)+)\})? ([0-9.e+-]+|\+Inf)')


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    get_connection("dispatch").flushdb()


def values() -> dict[tuple[str, ...], float]:
    """By name and label values."""
    return {(gauge.name, *(value for _, value in gauge.labels)): float(gauge.value) for gauge in gauges.gauges(NOW)}


def test_the_queue_is_measured_by_what_is_due_and_not_held() -> None:
    use_case = make_use_case()
    for minutes in (1, 7):
        make_voicemail(use_case, not_before=NOW - timedelta(minutes=minutes))
    make_voicemail(use_case, not_before=NOW - timedelta(minutes=3), failover=True)
    make_voicemail(use_case, not_before=NOW + timedelta(minutes=1))
    make_voicemail(lane=make_lane(use_case, held=True), not_before=NOW - timedelta(hours=1))
    found = values()
    assert (found["rvm_due_voicemails",], found["rvm_oldest_due_seconds",]) == (3, 420)


def test_a_queue_is_not_counted_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "MAX_COUNTED", 2)
    use_case = make_use_case()
    for minutes in range(5):
        make_voicemail(use_case, not_before=NOW - timedelta(minutes=minutes))
    found = values()
    assert (found["rvm_due_voicemails",], found["rvm_oldest_due_seconds",]) == (2, 240)


def test_voicemails_are_counted_by_status_and_reason_folded_or_not() -> None:
    make_voicemail(status="failed", reason="busy")
    make_voicemail(status="uncertain")
    maintenance.roll_up_counts()
    make_voicemail(status="failed", reason="busy")
    found = values()
    assert found["rvm_voicemails", "failed", "busy"] == 2
    assert found["rvm_voicemails", "uncertain", ""] == 1
    assert found["rvm_voicemails", "sending", ""] == 0
    assert {key[1] for key in found if key[0] == "rvm_voicemails"} == set(VoicemailStatus)
    assert found["rvm_unfolded_deltas",] == 1


def test_what_waits_and_what_is_out_of_order_is_counted() -> None:
    setup = make_setup(breaker_until=NOW)
    make_setup(breaker_until=NOW, deleted_at=NOW)
    for merged_at in (None, None, NOW):
        CarrierReport.objects.create(setup=setup, drop_id=setup.pk, status="delivered", merged_at=merged_at)
    found = values()
    assert (found["rvm_open_breakers",], found["rvm_unmerged_reports",]) == (1, 2)


def test_signs_of_life_are_shown() -> None:
    assert values()["rvm_tick_age_seconds",] == float("inf")
    Heartbeat.objects.create(name="tick", at=NOW - timedelta(seconds=4))
    redis = get_connection("dispatch")
    redis.sadd("rq:workers:dispatch", "rq:worker:test")
    redis.hset("rq:worker:test", "last_heartbeat", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    found = values()
    assert found["rvm_tick_age_seconds",] == 4
    assert [found["rvm_workers", queue] for queue in project.RQ_QUEUES] == [1, 0, 0, 0]
    assert found["rvm_redis_up",] == 1


def test_carriers_fetches_of_recordings_are_shown() -> None:
    redis = redis_client()
    for kept, shown in ((None, 0), (b"7", 7), (b"garbage", 0)):
        redis.delete(FETCHES)
        if kept:
            redis.set(FETCHES, kept)
        assert values()["rvm_recording_fetches",] == shown
    redis.delete(FETCHES)


def test_without_redis_the_rest_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(queue: str) -> int:
        raise RedisConnectionError

    monkeypatch.setattr(gauges, "live_workers", away)
    found = values()
    assert found["rvm_redis_up",] == 0 and ("rvm_due_voicemails",) in found and ("rvm_workers", "dispatch") not in found


def a_history() -> None:
    """Enough finished voicemails beside a few that wait, known to the planner, that other tests' remains do not matter."""
    row = make_voicemail(not_before=NOW)
    Voicemail.objects.bulk_create(
        Voicemail(**{**{name: getattr(row, name) for name in COLUMNS}, "status": status})
        for status in ["delivered"] * 900 + ["queued"] * 100
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_lane, delivery_voicemail")


@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        (gauges.DUE, [NOW, NOW, 10], "voicemail_due"),
        (gauges.UNMERGED, [10], "report_unmerged"),
        (gauges.NOT_ROLLED_UP, [10], "delivery_lanedelta_pkey"),
    ],
)
def test_a_large_table_is_read_by_an_index_alone(statement: str, parameters: list[object], index: str) -> None:
    a_history()
    with connection.cursor() as cursor:
        # Both would be cheaper for so few rows.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"Index Only Scan using {index}" in plan
    assert not re.search(r"(Seq Scan|Index Scan \S+) on delivery_(voicemail|drop|carrierreport|lanedelta)", plan)
    assert "Sort" not in plan


def test_only_tables_that_stay_small_and_these_indexes_are_read() -> None:
    told = " ".join(text for name, text in vars(gauges).items() if name.isupper() and isinstance(text, str))
    assert set(re.findall(r"(?:FROM|JOIN) ([a-z]+_[a-z]+)", told)) == {
        "delivery_lane",
        "delivery_voicemail",
        "delivery_usecasecount",
        "delivery_lanedelta",
        "delivery_carrierreport",
        "usecases_telephonysetup",
        "platform_heartbeat",
    }


def ask(peer: str, **headers: str) -> Any:
    return Client(REMOTE_ADDR=peer).get("/metrics", headers={name.replace("_", "-"): v for name, v in headers.items()})


def test_it_is_prometheus_text_without_a_number() -> None:
    make_voicemail(status="failed", reason="busy")
    answer = ask("127.0.0.1")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.content.decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert 'rvm_voicemails{reason="busy",status="failed"} 1.0' in samples and "rvm_tick_age_seconds +Inf" in samples
    described = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(described) == len(set(described)) and set(described) == {re.split(r"[ {]", line)[0] for line in samples}
    assert RECIPIENT[-4:] not in answer.content.decode()


def test_a_scraper_reads_every_gauge_with_its_help_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        gauges.Gauge("rvm_few", "How many.", 0),
        gauges.Gauge(
            "rvm_many", "Of each; at most 100000.", 123_456_789_012, (("status", "failed"), ("reason", "busy"))
        ),
        gauges.Gauge("rvm_many", "Of each; at most 100000.", 7, (("status", "queued"), ("reason", ""))),
        gauges.Gauge("rvm_age_seconds", "Since then.", 0.1234567),
        gauges.Gauge("rvm_never_seconds", "Since then.", float("inf")),
    ]
    monkeypatch.setattr(metrics, "gauges", lambda now: iter(told))
    read = list(text_string_to_metric_families(ask("127.0.0.1").content.decode()))
    assert [(family.name, family.documentation, family.type) for family in read] == list(
        dict.fromkeys((gauge.name, gauge.help, "gauge") for gauge in told)
    )
    assert [(sample.name, sample.labels, sample.value) for family in read for sample in family.samples] == [
        (gauge.name, dict(gauge.labels), gauge.value) for gauge in told
    ]


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.8.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"X_Forwarded_For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"X_Forwarded_Proto": "https"}, 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
        ("10.0.0.7", {}, 403),
        ("", {}, 403),
        ("unix:", {}, 403),
        ("10.0.0.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("127.0.0.1", {"Authorization": f"Bearer {TOKEN}", "X_Forwarded_For": "10.0.0.7"}, 200),
        ("10.0.0.7", {"Authorization": f"Bearer {TOKEN}x"}, 403),
        ("10.0.0.7", {"Authorization": TOKEN}, 403),
        ("10.0.0.7", {"Authorization": "Bearer ä"}, 403),
        ("10.0.0.7", {"X_Forwarded_For": "127.0.0.1"}, 403),
    ],
)
def test_it_is_for_this_machine_and_for_the_token(
    settings: Any, peer: str, headers: dict[str, str], status: int
) -> None:
    settings.RVM_METRICS_TOKEN = TOKEN
    assert ask(peer, **headers).status_code == status


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", ""])
def test_without_a_token_in_the_settings_none_opens_it(settings: Any, header: str) -> None:
    settings.RVM_METRICS_TOKEN = ""
    assert ask("10.0.0.7", Authorization=header).status_code == 403


def test_while_postgresql_is_away_it_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseError("password for secret-host")

    monkeypatch.setattr(sql, "run", away)
    answer = ask("127.0.0.1")
    assert answer.status_code == 503 and b"secret" not in answer.content
    monkeypatch.setattr(metrics, "database_now", away)
    assert ask("127.0.0.1").status_code == 503


def test_setups_in_use_are_measured_by_id_and_say_nothing_without_attempts() -> None:
    setup, idle, off = make_setup(), make_setup(), make_setup(enabled=False)
    accepted = NOW - timedelta(hours=2)
    for status, ended in (("delivered", accepted + timedelta(seconds=30)), ("accepted", None)):
        Drop.objects.create(
            id=uuid7_at(int(accepted.timestamp() * 1000)), workspace=setup.workspace, voicemail_id=setup.pk, setup=setup, number=1,
            live=True, sender="+12125550100", status=status, created_at=accepted, due_at=accepted, accepted_at=accepted,
            ended_at=ended,
        )  # fmt: skip
    found = values()
    named = {name: value for (name, *labels), value in found.items() if labels == [str(setup.pk)]}
    assert named == {
        "rvm_setup_accept_rate": 1, "rvm_setup_report_median_seconds": 30, "rvm_setup_report_p95_seconds": 30,
        "rvm_setup_open_attempts": 1, "rvm_setup_unreported_attempts": 1,
    }  # fmt: skip
    assert {name for name, *labels in found if labels == [str(idle.pk)]} == {
        "rvm_setup_open_attempts", "rvm_setup_unreported_attempts",
    }  # fmt: skip
    assert not [key for key in found if str(off.pk) in key]
