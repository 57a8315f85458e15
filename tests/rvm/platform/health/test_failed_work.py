"""What fails in the background is kept in one row until it succeeds, and says no number and no text of an exception."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction
from django.test import Client
from django.urls import reverse
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.timeouts import JobTimeoutException

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.health import failed_work
from rvm.platform.health.failed_work import KINDS, Found, Kind, notice, reason_of, record, succeeded
from rvm.platform.models import AuditEvent, FailedWork, Heartbeat, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


def rows() -> list[tuple[str, str, str, int]]:
    return list(FailedWork.objects.order_by("kind", "subject").values_list("kind", "subject", "reason", "count"))


def test_what_fails_again_is_counted_in_its_row_since_the_first_time() -> None:
    record("job", "reports", reason="Redis did not answer.", reference="a")
    first = FailedWork.objects.get()
    record("job", "reports", reason="PostgreSQL did not answer.", reference="b", count=2)
    record("job", "dispatch", reason="Redis did not answer.")
    again = FailedWork.objects.get(subject="reports")
    assert (again.count, again.reason, again.reference) == (3, "PostgreSQL did not answer.", "b")
    assert again.first_at == first.first_at and again.last_at > first.last_at
    assert FailedWork.objects.count() == 2


def test_what_succeeds_is_forgotten_and_nothing_else() -> None:
    record("job", "reports", reason="x")
    record("job", "dispatch", reason="x")
    succeeded("job", "reports")
    assert [subject for _, subject, _, _ in rows()] == ["dispatch"]


def test_a_failure_that_cannot_be_noted_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("rvm.platform.health.failed_work.sql.run", away)
    record("job", "reports", reason="x")
    monkeypatch.setattr(FailedWork.objects, "filter", away)
    succeeded("job", "reports")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RedisConnectionError("at 2025550142"), "Redis did not answer, or refused a command."),
        (OperationalError("2025550142"), "PostgreSQL did not answer, or ended what took too long."),
        (Undecryptable("2025550142"), "Something does not open with the keys of this installation."),
        (JobTimeoutException("2025550142"), "It took longer than it may, and was ended."),
        (FileNotFoundError("/srv/2025550142"), "A file or a connection failed (FileNotFoundError)."),
        (KeyError("2025550142"), "A fault of the program (KeyError)."),
    ],
)
def test_the_reason_is_a_sentence_without_the_errors_text(error: Exception, sentence: str) -> None:
    assert reason_of(error) == sentence


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Found]]:
    """Two kinds only: one that repeats within an hour, and one with a watch that finds what the test says."""
    found: dict[str, list[Found]] = {"seen": []}
    monkeypatch.setattr(
        failed_work, "KINDS", {"told": Kind("Told", "x", timedelta(hours=1)), "seen": Kind("Seen", "x")}
    )
    monkeypatch.setattr(failed_work, "WATCHES", [("seen", lambda now: found["seen"])])
    return found


def test_what_was_not_repeated_in_its_time_has_healed(kinds: dict[str, list[Found]]) -> None:
    record("told", "a", reason="x")
    notice(database_now() + timedelta(minutes=59))
    assert len(rows()) == 1
    notice(database_now() + timedelta(minutes=61))
    assert rows() == []


def test_a_watch_keeps_what_it_finds_since_the_first_look_and_forgets_the_rest(
    kinds: dict[str, list[Found]], workspace: Workspace
) -> None:
    kinds["seen"] = [Found("a", 'List "one"', workspace.pk, "No file."), Found("b", "", None, "{}\\")]
    notice(NOW)
    kinds["seen"] = [Found("a", "List two", workspace.pk, "Still no file.")]
    notice(NOW + timedelta(minutes=1))
    [row] = FailedWork.objects.all()
    assert (row.subject, row.name, row.reason, row.workspace_id) == ("a", "List two", "Still no file.", workspace.pk)
    assert (row.first_at, row.last_at, row.count) == (NOW, NOW + timedelta(minutes=1), 1)
    kinds["seen"] = []
    notice(NOW + timedelta(minutes=2))
    assert rows() == []


def test_a_watch_that_fails_leaves_the_others_their_turn(
    kinds: dict[str, list[Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now: datetime) -> list[Found]:
        raise KeyError("x")

    monkeypatch.setattr(failed_work, "WATCHES", [("told", broken), *failed_work.WATCHES])
    kinds["seen"] = [Found("a", "", None, "x")]
    notice(NOW)
    assert [kind for kind, *_ in rows()] == ["seen"]


def test_rows_of_kinds_that_this_release_does_not_know_are_forgotten(kinds: dict[str, list[Found]]) -> None:
    record("of-another-release", reason="x")
    notice(NOW)
    assert rows() == []


def test_a_thousand_of_one_kind_are_kept_in_part(kinds: dict[str, list[Found]]) -> None:
    kinds["seen"] = [Found(f"{number:04}", "", None, "x") for number in range(1000)]
    notice(NOW)
    assert FailedWork.objects.count() == failed_work.MAX_ROWS


def test_a_missing_worker_and_a_silent_redis_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    Heartbeat.objects.create(name="events", at=NOW)
    monkeypatch.setattr(failed_work, "live_workers", lambda queue: int(queue != "imports"))
    assert [each.reason for each in failed_work.missing_processes(NOW)] == [
        "No worker takes the queue imports: start `manage.py worker imports`."
    ]

    def silent(queue: str) -> int:
        raise RedisConnectionError("away")

    monkeypatch.setattr(failed_work, "live_workers", silent)
    assert [each.name for each in failed_work.missing_processes(NOW)] == ["Redis"]


def test_a_missing_process_of_events_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_work, "live_workers", lambda queue: 1)
    Heartbeat.objects.create(name="events", at=NOW)
    assert not list(failed_work.missing_processes(NOW + timedelta(seconds=59)))
    [missing] = failed_work.missing_processes(NOW + timedelta(seconds=61))
    assert missing.reason == "Nothing publishes events and sends webhooks: start `manage.py events`."


@pytest.mark.django_db(transaction=True)
def test_what_is_recorded_in_a_transaction_waits_for_its_end() -> None:
    with transaction.atomic():
        failed_work.record_on_commit("unreadable", "reports", reason="x")
        assert rows() == []
    assert len(rows()) == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        failed_work.record_on_commit("unreadable", "opt-outs", reason="x")
        raise DatabaseError
    assert len(rows()) == 1


def test_every_kind_that_the_code_records_or_watches_is_explained() -> None:
    named = re.compile(r'\brecord(?:_on_commit)?\(\s*"([a-z_]+)"')
    used = {
        kind
        for room in ("rvm", "usecases", "delivery", "campaigns")
        for path in (Path(settings.BASE_DIR) / room).rglob("*.py")
        if "failed_work" in (text := path.read_text())
        for kind in named.findall(text)
    }
    watched = {kind for kind, _ in failed_work.WATCHES}
    assert "job" in used
    assert used | watched == set(KINDS)
    for name, kind in KINDS.items():
        assert kind.title and kind.advice.endswith("."), name
        assert (kind.repeats is None) == (name in watched), name
        if kind.page:
            assert reverse(f"admin:{kind.page}_change", args=["x"])


# the page


Login = Callable[..., Client]


@pytest.fixture
def as_user(client: Client, workspace: Workspace) -> Login:
    def log_in(role: Role | None = None) -> Client:
        superuser = {"is_superuser": True} if role is None else {"workspace": workspace, "role": role}
        client.force_login(make_user(is_staff=True, password=None, **superuser))
        return client

    return log_in


LIST = "/admin/platform/failedwork/"


@pytest.fixture
def failing(workspace: Workspace) -> dict[str, FailedWork]:
    other = make_workspace()
    record("job", "reports", name="Queue reports", reason="Redis did not answer.", reference="job-1")
    record("foreign_job", "dispatch", name="Queue dispatch", reason="Something else.")
    record("import_broke", "1", name="mine.csv", workspace_id=workspace.pk, reason="A fault of the program (KeyError).")
    record("import_broke", "2", name="theirs.csv", workspace_id=other.pk, reason="A fault of the program (KeyError).")
    return {row.subject: row for row in FailedWork.objects.all()}


def test_an_administrator_sees_what_fails_in_the_own_workspace_with_what_to_do(
    as_user: Login, failing: dict[str, FailedWork]
) -> None:
    client = as_user(Role.ADMIN)
    page = client.get(LIST).content.decode()
    assert "A list stops while it is imported" in page and "mine.csv" in page and "It goes on where it stopped" in page
    assert "theirs.csv" not in page and "Queue reports" not in page
    assert client.get(f"{LIST}{failing['2'].pk}/change/").status_code == 404
    assert client.get(f"{LIST}{failing['reports'].pk}/change/").status_code == 404
    assert "1 thing fails in the background." in client.get("/admin/").content.decode()


def test_a_superuser_sees_all_of_it(as_user: Login, failing: dict[str, FailedWork]) -> None:
    client = as_user()
    page = client.get(LIST).content.decode()
    assert all(name in page for name in ("mine.csv", "theirs.csv", "Queue reports", "Queue dispatch"))
    assert "4 things fail in the background." in client.get("/admin/").content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_nobody_else_sees_any_of_it(as_user: Login, failing: dict[str, FailedWork], role: Role) -> None:
    client = as_user(role)
    assert client.get(LIST).status_code == 403
    overview = client.get("/admin/").content.decode()
    assert "in the background" not in overview and LIST not in overview
    assert client.post(f"{LIST}{failing['1'].pk}/repeat/").status_code in (403, 404)


def test_where_nothing_fails_the_overview_says_nothing(as_user: Login) -> None:
    assert "in the background" not in as_user().get("/admin/").content.decode()


def test_a_job_is_done_again_by_a_button_and_on_record(
    as_user: Login, failing: dict[str, FailedWork], monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setitem(KINDS, "job", KINDS["job"]._replace(repeat=woken.append))
    client, address = as_user(), f"{LIST}{failing['reports'].pk}"
    assert "Do it again now" in client.get(f"{address}/change/").content.decode()
    assert client.get(f"{address}/repeat/").status_code == 405
    assert client.post(f"{address}/repeat/").status_code == 302
    assert woken == ["reports"]
    assert AuditEvent.objects.filter(action="failed_work.repeated").count() == 1
    assert client.post(f"{address}/dismiss/").status_code == 403


def test_what_happened_once_is_taken_off_the_list_by_a_button(as_user: Login, failing: dict[str, FailedWork]) -> None:
    client, address = as_user(), f"{LIST}{failing['dispatch'].pk}"
    assert client.post(f"{address}/repeat/").status_code == 403
    assert client.post(f"{address}/dismiss/").status_code == 302
    assert not FailedWork.objects.filter(subject="dispatch").exists()
    assert AuditEvent.objects.get(action="failed_work.dismissed").details["count"] == 1
