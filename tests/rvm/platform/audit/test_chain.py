"""Any change of the audit is found, and the place of it is named: also at the end, and whoever made it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from structlog.testing import capture_logs

from rvm.platform import audit
from rvm.platform.audit import chain
from rvm.platform.audit.chain import log_heads, name_of, seal
from rvm.platform.audit.verification import Verification, verify
from rvm.platform.encryption.crypto import chain_hash
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import AuditChain, AuditEvent, AuditSeal, UnsealedEvent, Workspace
from tests.append_only import triggers_off
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db
in_transactions_of_its_own = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def make_events(workspace: Workspace | None, count: int) -> list[AuditEvent]:
    subject = workspace or make_workspace()
    return [
        audit.record("test.done", subject, actor=None, workspace=workspace, number=number, text="a → b")
        for number in range(count)
    ]


def command(action: str, *arguments: str, **options: Any) -> tuple[int, str]:
    """The exit code and the output of `manage.py audit`."""
    out = StringIO()
    try:
        call_command("audit", action, *arguments, stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def faults(kept: dict[tuple[str, int], str] | None = None) -> list[str]:
    return [fault.message for fault in verify(kept or {}, Verification())]


def heads() -> dict[tuple[str, int], str]:
    """What an operator keeps elsewhere."""
    return {(name_of(chain), chain.position): bytes(chain.hash).hex() for chain in AuditChain.objects.all()}


def tamper(statement: str, parameters: Any = ()) -> None:
    """Change the tables as their owner could."""
    connection.check_constraints()  # of what the test wrote, as after a commit
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_untouched_events_of_workspaces_and_of_the_platform_are_verified() -> None:
    one, other = make_workspace(), make_workspace()
    for owner in (one, other, None, one):
        make_events(owner, 2)
    person = make_user()
    audit.record(
        "workspace.renamed", one, actor=person, workspace=one, numbers=[1.5, 10**20, None], note='é \\ " \u2028'
    )
    while seal(NOW):
        pass
    counts = Verification()
    assert [*verify({}, counts)] == []
    assert (counts.events, counts.unsealed, counts.oldest) == (AuditEvent.objects.count(), 0, None)
    assert AuditChain.objects.get(workspace=one).position == 5
    assert AuditChain.objects.get(workspace=None).position == 2
    assert list(
        AuditSeal.objects.filter(chain__workspace=one).order_by("position").values_list("position", flat=True)
    ) == [1, 2, 3, 4, 5]


CHANGES = {
    "id": "gen_random_uuid()",
    "workspace_id": "NULL",
    "actor_id": "gen_random_uuid()",
    "key_id": "gen_random_uuid()",
    "address": "'203.0.113.7'",
    "action": "'test.undone'",
    "subject_type": "'platform.user'",
    "subject_id": "gen_random_uuid()",
    "details": "details || '{\"number\": 7}'",
    "request_id": "'r-2'",
    "at": "at - interval '1 microsecond'",
}


def test_every_column_of_an_event_is_covered() -> None:
    assert set(CHANGES) == {field.column for field in AuditEvent._meta.concrete_fields}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_found_at_its_event(workspace: Workspace, column: str) -> None:
    events = make_events(workspace, 5)
    seal(NOW)
    tamper(f"UPDATE platform_auditevent SET {column} = {CHANGES[column]} WHERE id = %s", [events[2].pk])
    first, *others = faults()
    assert f"Event {events[2].pk} at position 3" in first
    assert len(others) == (column == "id")  # the event under its new id has no seal


def replace(events: list[AuditEvent]) -> None:
    """Swap two events' seals."""
    two, three = events[1].pk, events[2].pk
    tamper("UPDATE platform_auditseal SET event_id = gen_random_uuid() WHERE event_id = %s", [two])
    tamper("UPDATE platform_auditseal SET event_id = %s WHERE event_id = %s", [two, three])
    tamper("UPDATE platform_auditseal SET event_id = %s WHERE position = 2", [three])


def insert(events: list[AuditEvent]) -> None:
    """Add an event between two others, under the hash that the second has."""
    made = make_events(events[0].workspace, 1)[0]
    tamper("UPDATE platform_auditseal SET position = -position WHERE position >= 3")
    tamper("UPDATE platform_auditseal SET position = 1 - position WHERE position < 0")
    tamper(
        "INSERT INTO platform_auditseal (event_id, chain_id, position, key_number, hash, sealed_at)"
        " SELECT %s, chain_id, 3, key_number, hash, sealed_at FROM platform_auditseal WHERE position = 4",
        [made.pk],
    )


def remove(events: list[AuditEvent], *places: int, seals: bool = False, head: bool = False) -> None:
    ids = [events[place - 1].pk for place in places]
    tamper("DELETE FROM platform_auditevent WHERE id = ANY(%s)", [ids])
    if seals:
        tamper("DELETE FROM platform_auditseal WHERE event_id = ANY(%s)", [ids])
    if head:
        tamper(
            "UPDATE platform_auditchain c SET position = s.position, hash = s.hash FROM platform_auditseal s WHERE s.position = %s",
            [min(places) - 1],
        )


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (lambda events: remove(events, 3), "at position 3 was removed"),
        (lambda events: remove(events, 3, seals=True), "Positions 3 to 3 are missing"),
        (lambda events: remove(events, 1, 2, seals=True), "Positions 1 to 2 are missing"),
        (lambda events: remove(events, 5), "at position 5 was removed"),
        (lambda events: remove(events, 4, 5, seals=True), "ends at position 3, but its head is at 5"),
        (lambda events: tamper("DELETE FROM platform_auditseal WHERE position = 3"), "Positions 3 to 3 are missing"),
        (
            lambda events: tamper("DELETE FROM platform_auditseal WHERE position = 5"),
            "has neither a seal nor waits for one",
        ),
        (lambda events: tamper("DELETE FROM platform_auditchain"), "5 seals belong to a chain that was removed"),
        (replace, "at position 2 was changed, or took another's place"),
        (insert, "at position 3 was changed, or took another's place"),
    ],
)
def test_removal_insertion_and_reordering_are_found(
    workspace: Workspace, attack: Callable[[list[AuditEvent]], None], message: str
) -> None:
    events = make_events(workspace, 5)
    seal(NOW)
    assert faults() == []
    attack(events)
    assert any(message in fault for fault in faults()), faults()


def test_an_end_that_was_cut_off_with_its_head_is_found_by_a_head_that_was_kept(workspace: Workspace) -> None:
    events = make_events(workspace, 5)
    seal(NOW)
    kept = heads()
    assert faults(kept) == []
    remove(events, 4, 5, seals=True, head=True)
    assert faults() == []  # nobody without the head that was kept can know
    assert "A head at position 5 was kept, but the chain ends at 3" in faults(kept)[0]
    make_events(workspace, 3)
    seal(NOW)
    assert "Position 5 has another hash than the head that was kept" in faults(kept)[0]


def test_a_chain_that_was_removed_as_a_whole_is_found_by_a_head_that_was_kept(workspace: Workspace) -> None:
    make_events(workspace, 2)
    seal(NOW)
    kept = heads()
    tamper("DELETE FROM platform_auditchain; DELETE FROM platform_auditseal; DELETE FROM platform_auditevent")
    assert faults() == []
    assert faults(kept) == ["A head of this chain was kept, but the chain was removed."]


def test_a_head_that_was_kept_fits_while_the_chain_grows(workspace: Workspace) -> None:
    make_events(workspace, 2)
    seal(NOW)
    kept = heads()
    make_events(workspace, 2)
    seal(NOW)
    assert faults(kept) == []


@in_transactions_of_its_own
def test_the_command_says_what_it_read_and_ends_with_one_if_something_does_not_fit(tmp_path: Path) -> None:
    workspace = make_workspace()
    events = make_events(workspace, 5)
    seal(NOW)
    waiting = make_events(workspace, 1)
    kept = tmp_path / "heads"
    kept.write_text(command("heads")[1])
    assert kept.read_text() == f"{workspace.pk} 5 {bytes(AuditChain.objects.get().hash).hex()}\n"
    code, out = command("verify", heads=kept)
    assert code == 0 and "5 sealed events were read" in out and "1 wait for their seal" in out
    assert f"The oldest waits since {waiting[0].at:%Y-%m-%d %H:%M}" in out
    remove(events, 4, 5, seals=True, head=True)
    assert command("verify")[0] == 0
    code, out = command("verify", heads=kept)
    assert code == 1 and f"chain {workspace.pk}: A head at position 5 was kept" in out and "1 faults" in out


@in_transactions_of_its_own
def test_a_line_that_is_no_head_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "heads"
    kept.write_text("platform 3\n")
    with pytest.raises(CommandError, match="Line 1"):
        command("verify", heads=kept)


def test_an_unsealed_event_that_was_removed_is_found(workspace: Workspace) -> None:
    doomed, _ = make_events(workspace, 2)
    tamper("DELETE FROM platform_auditevent WHERE id = %s", [doomed.pk])
    assert faults() == [f"Event {doomed.pk} was removed before it was sealed."]
    seal(NOW)
    assert faults() == [f"Event {doomed.pk} was removed before it was sealed."]


def test_an_event_kept_from_its_seal_is_found(workspace: Workspace) -> None:
    [event] = make_events(workspace, 1)
    UnsealedEvent.objects.all().delete()
    seal(NOW)
    [fault] = faults()
    assert f"Event {event.pk} has neither a seal nor waits for one" in fault


def test_a_sealed_event_that_waits_again_is_not_sealed_twice(workspace: Workspace) -> None:
    events = make_events(workspace, 2)
    seal(NOW)
    UnsealedEvent.objects.create(event_id=events[0].pk)
    make_events(workspace, 1)
    assert seal(NOW) == 1
    assert faults() == []


def test_without_the_key_nobody_can_make_a_hash_that_fits(workspace: Workspace, settings: Any) -> None:
    [event, _] = make_events(workspace, 2)
    own = settings.RVM_INDEX_KEYS
    settings.RVM_INDEX_KEYS = KeyRing({1: b"x" * 32}, 1)
    chain_hash.cache_clear()
    seal(NOW)
    chain_hash.cache_clear()
    settings.RVM_INDEX_KEYS = own
    assert f"Event {event.pk} at position 1 was changed" in faults()[0]


def test_events_under_a_former_index_key_are_verified_and_without_it_the_message_names_it(
    workspace: Workspace, settings: Any
) -> None:
    make_events(workspace, 1)
    seal(NOW)
    former = settings.RVM_INDEX_KEYS
    try:
        settings.RVM_INDEX_KEYS = KeyRing({**former.keys, 2: b"y" * 32}, 2)
        chain_hash.cache_clear()
        make_events(workspace, 1)
        seal(NOW)
        assert list(AuditSeal.objects.order_by("position").values_list("key_number", flat=True)) == [1, 2]
        assert faults() == []
        settings.RVM_INDEX_KEYS = KeyRing({2: b"y" * 32}, 2)
        chain_hash.cache_clear()
        [fault] = faults()
        assert "was sealed with index key 1" in fault
    finally:
        chain_hash.cache_clear()


@in_transactions_of_its_own
def test_sealing_passes_over_a_long_transaction_and_takes_its_events_after_the_commit(workspace: Workspace) -> None:
    written, finish = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                make_events(workspace, 1)
                written.set()
                finish.wait(30)
        finally:
            connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert written.wait(30)
    make_events(workspace, 2)  # with later ids than the slow one's
    assert seal(NOW) == 2
    finish.set()
    slow.join()
    assert seal(NOW) == 1
    assert faults() == []


@in_transactions_of_its_own
def test_writers_and_two_sealers_at_once_make_one_chain_without_gaps(workspace: Workspace) -> None:
    start, errors = threading.Barrier(6), list[BaseException]()

    def work(action: Callable[[], object]) -> None:
        try:
            start.wait(30)
            for _ in range(20):
                action()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    actions = [lambda: make_events(workspace, 1)] * 4 + [lambda: seal(NOW)] * 2
    threads = [threading.Thread(target=work, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    while seal(NOW):
        pass
    assert AuditChain.objects.get(workspace=workspace).position == 80
    assert faults() == []


@in_transactions_of_its_own
def test_while_another_process_seals_none_waits_for_it(workspace: Workspace) -> None:
    make_events(workspace, 1)
    holding, finish = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(chain._TAKE_TURN)
                holding.set()
                finish.wait(30)
        finally:
            connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert holding.wait(30)
    try:
        assert seal(NOW) == 0
    finally:
        finish.set()
        other.join()
    assert seal(NOW) == 1


def test_a_batch_is_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 2)
    make_events(workspace, 5)
    assert [seal(NOW), seal(NOW), seal(NOW), seal(NOW)] == [2, 2, 1, 0]
    assert faults() == []


def test_heads_that_rose_are_logged(workspace: Workspace) -> None:
    make_events(workspace, 2)
    seal(NOW)
    with capture_logs() as logs:
        log_heads(NOW)
    [line] = logs
    assert (line["event"], line["chain"], line["position"]) == ("audit_head", str(workspace.pk), 2)
    assert line["hash"] == bytes(AuditChain.objects.get().hash).hex()


def test_events_sealed_under_a_retired_index_key_are_verified_by_its_chain_key(settings: Any) -> None:
    make_events(make_workspace(), 3)
    while seal(NOW):
        pass
    code, printed = command("key", "1")
    assert code == 0
    settings.RVM_INDEX_KEYS = KeyRing({2: bytes(32)}, 2)
    chain_hash.cache_clear()
    try:
        assert "sealed with index key 1" in faults()[0]
        settings.RVM_AUDIT_KEYS = KeyRing.parse(printed.strip())
        chain_hash.cache_clear()
        assert faults() == []
        make_events(make_workspace(), 1)
        seal(NOW)
        assert faults() == []
        tamper("UPDATE platform_auditevent SET details = '{}'")
        assert len(faults()) == 4
    finally:
        chain_hash.cache_clear()


def test_a_chain_key_is_printed_for_a_listed_index_key_only(settings: Any) -> None:
    with pytest.raises(CommandError, match="RVM_INDEX_KEYS has no key 9; it has 1"):
        command("key", "9")
