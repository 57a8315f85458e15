"""The services on lists: who may do what when, what is guessed and overridden, what is audited, and that files go after a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_rq import get_queue

from campaigns.imports import maintenance, service, uploaded_lists
from campaigns.imports.error_report import error_report
from campaigns.imports.runner import work
from campaigns.imports.staging import table_of
from campaigns.models import Campaign, RecipientImport
from campaigns.states import IMPORT_TRANSITIONS, CampaignState, ImportState
from campaigns.tasks import work_imports
from delivery.runtime import wakeups
from delivery.worker import tick
from rvm.platform.database.ids import uuid7, uuid7_at
from rvm.platform.encryption import encrypted_files
from rvm.platform.errors import ServiceError
from rvm.platform.health.checks import WARNINGS
from rvm.platform.models import AuditEvent
from rvm.platform.retention import holds, rules
from rvm.platform.retention_kinds import RetentionKind
from tests import factories
from tests.campaigns.imports.lists import (
    STATEMENT,
    as_csv,
    checked,
    imported,
    make_campaign,
    numbers,
    recipients,
    upload,
)
from usecases.models import Consent
from usecases.services.revocations import revoke_consent

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LIST = as_csv([[number, "Ana"] for number in numbers(3)])


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        action()
    assert str(refusal.value).endswith((".", "”")), refusal.value
    return refusal.value.code


def stored() -> list[str]:
    return [path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_an_upload_is_kept_encrypted_and_read_as_it_looks() -> None:
    campaign = make_campaign()
    content = "﻿Mobile;Vorname;Zeile\r\n2025550100;Jürgen;7\r\n".encode()
    row = service.upload(
        campaign=campaign, file_name="C:\\lists\\März.csv", chunks=[content[:9], content[9:]], actor=None, now=NOW
    )
    row.refresh_from_db()
    assert (row.file_name, row.size_bytes, row.state) == ("März.csv", len(content), "uploaded")
    assert (row.format, row.delimiter, row.header_row) == ("csv", ";", 1)
    assert row.columns[0] == "phone" and len(row.columns) == 3
    raw = Path(default_storage.path(row.storage_name)).read_bytes()
    assert b"2025550100" not in raw and "Jürgen".encode() not in raw
    assert service.sample(row).rows == [["2025550100", "Jürgen", "7"]]
    assert service.sample(row).header == ["Mobile", "Vorname", "Zeile"]
    event = AuditEvent.objects.get(action="import.uploaded")
    assert event.subject_id == row.pk and event.details["sha256"] == row.sha256


def test_a_sample_is_twenty_rows_all_equally_wide() -> None:
    content = b"phone,name\r\n" + b"2025550100\r\n" * 15 + b"2025550101,Ana,x,y\r\n" * 15
    seen = service.sample(upload(make_campaign(), content))
    assert len(seen.rows) == 20
    assert {len(cells) for cells in (seen.header, seen.columns, *seen.rows)} == {4}


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\x03" * 100, b"%PDF-1.7\n"], ids=["empty", "binary", "pdf"])
def test_what_is_no_list_is_refused_and_leaves_nothing(content: bytes) -> None:
    campaign = make_campaign()
    assert code_of(lambda: upload(campaign, content)) == "import_unreadable"
    assert stored() == [] and not RecipientImport.objects.exists()


def test_a_list_that_is_too_large_is_refused_while_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_lists, "MAX_BYTES", 2_000_000)
    campaign, taken = make_campaign(), []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield b"2025550100\r\n" * 10_000

    with pytest.raises(ServiceError, match="more than 2 MB") as refusal:
        service.upload(campaign=campaign, file_name="l.csv", chunks=endless(), actor=None, now=NOW)
    assert refusal.value.code == "import_too_large"
    assert len(taken) < 30 and stored() == []


def test_a_campaign_needs_its_recording_first() -> None:
    campaign = make_campaign(recording=None)
    assert code_of(lambda: upload(campaign, LIST)) == "recording_missing"
    Campaign.objects.filter(pk=campaign.pk).update(script=[{"clip": str(campaign.pk)}])
    campaign.refresh_from_db()
    assert upload(campaign, LIST).state == "uploaded"


@pytest.mark.parametrize("state", [state for state in CampaignState if state not in ("draft", "scheduled")])
def test_a_campaign_that_has_begun_takes_no_list(state: CampaignState) -> None:
    campaign = make_campaign()
    fresh, ready = upload(campaign, LIST), checked(campaign, LIST)
    Campaign.objects.filter(pk=campaign.pk).update(state=state)
    campaign.refresh_from_db()
    assert code_of(lambda: upload(campaign, LIST)) == "campaign_begun"
    assert code_of(lambda: service.check(fresh, actor=None, now=NOW)) == "campaign_begun"
    assert code_of(lambda: service.read_as(fresh, {}, actor=None, now=NOW)) == "campaign_begun"
    assert code_of(lambda: service.confirm(ready, consent_statement="Yes.", actor=None, now=NOW)) == "campaign_begun"
    assert service.discard(fresh, actor=None, now=NOW).state == "discarded"


VERBS: dict[ImportState, Callable[[RecipientImport], RecipientImport]] = {
    ImportState.UPLOADED: lambda row: service.read_as(row, {}, actor=None, now=NOW),
    ImportState.CHECKING: lambda row: service.check(row, actor=None, now=NOW),
    ImportState.IMPORTING: lambda row: service.confirm(row, consent_statement="Yes.", actor=None, now=NOW),
    ImportState.DISCARDED: lambda row: service.discard(row, actor=None, now=NOW),
}


@pytest.mark.parametrize("state", ImportState)
@pytest.mark.parametrize("to", VERBS)
def test_a_verb_fits_the_states_of_the_table_and_is_refused_in_others(state: ImportState, to: ImportState) -> None:
    row = checked(make_campaign(), LIST)
    RecipientImport.objects.filter(pk=row.pk).update(state=state)
    if to in IMPORT_TRANSITIONS[state] or state is to is ImportState.UPLOADED:
        assert VERBS[to](row).state == to
        row.refresh_from_db()
        assert row.state == to
    else:
        assert code_of(lambda: VERBS[to](row)) == f"import_{state}"


def test_reading_a_list_in_another_way_needs_it_checked_again() -> None:
    row = checked(make_campaign(), b"2025550100;Ana\r\n2025550101;Ben\r\n")
    assert (row.header_row, row.counts["accepted"]) == (0, 2)
    row = service.read_as(row, {"header_row": 1, "columns": ["phone", "patient"]}, actor=None, now=NOW)
    assert (row.state, row.columns, row.counts, row.rows_read) == ("uploaded", ["phone", "patient"], {}, 0)
    assert service.sample(row).header == ["2025550100", "Ana"]
    service.check(row, actor=None, now=NOW)
    work()
    row.refresh_from_db()
    assert row.counts["accepted"] == 1
    assert AuditEvent.objects.get(action="import.read_as").details["columns"] == ["phone", "patient"]


def test_another_delimiter_has_the_columns_guessed_anew() -> None:
    row = upload(make_campaign(), b"phone,name\r\n2025550100,Ana\r\n")
    row = service.read_as(row, {"delimiter": ";"}, actor=None, now=NOW)
    assert len(row.columns) == 1
    row = service.read_as(row, {"delimiter": ","}, actor=None, now=NOW)
    assert row.columns == ["phone", "name"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"encoding": "ebcdic"}, "invalid_choice", "encoding"),
        ({"delimiter": "x"}, "invalid_choice", "delimiter"),
        ({"format": "pdf"}, "invalid_choice", "format"),
        ({"header_row": True}, "invalid_choice", "header_row"),
        ({"encoding": "utf-16"}, "import_unreadable", "file"),
        ({"format": "xlsx"}, "import_unreadable", "file"),
        ({"columns": ["name", ""]}, "phone_column_missing", "columns"),
        ({"columns": ["phone", "phone"]}, "column_twice", "columns"),
        ({"columns": ["phone", "Über"]}, "column_name_malformed", "columns"),
        ({"columns": ["phone", "", "", ""]}, "too_many_columns", "columns"),
    ],
)
def test_a_way_of_reading_that_cannot_be_is_refused_and_changes_nothing(
    changes: dict[str, Any], code: str, field: str
) -> None:
    row = upload(make_campaign(), LIST)
    with pytest.raises(ServiceError) as refusal:
        service.read_as(row, changes, actor=None, now=NOW)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    row.refresh_from_db()
    assert (row.format, row.delimiter, row.columns) == ("csv", ",", ["phone", "name"])


def test_a_list_without_a_phone_column_is_not_checked() -> None:
    row = upload(make_campaign(), b"name,city\r\nAna,Oslo\r\n")
    assert code_of(lambda: service.check(row, actor=None, now=NOW)) == "phone_column_missing"


@pytest.mark.parametrize(
    ("statement", "code"), [("", "consent_missing"), (" \n", "consent_missing"), ("x" * 1001, "too_long")]
)
def test_a_list_is_confirmed_with_a_statement_on_consent(statement: str, code: str) -> None:
    row = checked(make_campaign(), LIST)
    assert code_of(lambda: service.confirm(row, consent_statement=statement, actor=None, now=NOW)) == code


def test_who_confirmed_and_what_they_attested_is_kept_and_audited() -> None:
    campaign = make_campaign()
    person = factories.make_user(workspace=campaign.workspace)
    row = service.confirm(checked(campaign, LIST), consent_statement=STATEMENT, actor=person, now=NOW)
    assert (row.consent_statement, row.confirmed_by) == (STATEMENT, person)
    event = AuditEvent.objects.get(action="import.confirmed")
    assert (event.actor, event.details["statement"]) == (person, STATEMENT)


def test_what_is_attested_of_a_list_is_a_consent_of_the_list_that_nobody_changes() -> None:
    campaign = make_campaign()
    person = factories.make_user(workspace=campaign.workspace)
    row = service.confirm(checked(campaign, LIST), consent_statement=STATEMENT, actor=person, now=NOW)
    consent = Consent.objects.get()
    assert (consent.list_id, consent.evidence, consent.created_by, consent.at) == (row.pk, STATEMENT, person, NOW)
    assert (consent.purposes, consent.basis) == ([campaign.lane.use_case.purpose], "express_consent")
    assert (consent.number, consent.masked_number) == (None, "people of a list")
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.update(source="Something else.")
    with pytest.raises(ServiceError, match="withdraw them"):
        revoke_consent(consent, channel="telephone", actor=person, now=NOW)


def test_what_is_attested_of_a_test_list_is_no_consent() -> None:
    service.confirm(checked(make_campaign(live=False), LIST), consent_statement=STATEMENT, actor=None, now=NOW)
    assert not Consent.objects.exists()


def test_a_list_of_which_nothing_is_accepted_is_not_confirmed() -> None:
    row = checked(make_campaign(), as_csv([["12", "Ana"]]))
    confirm = lambda: service.confirm(row, consent_statement="Yes.", actor=None, now=NOW)  # noqa: E731
    assert code_of(confirm) == "import_without_accepted_rows"


def staged(row: RecipientImport) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table_of(row)])
        return bool(cursor.fetchone()[0])


def test_after_a_day_files_and_staged_rows_are_gone_and_what_nobody_confirmed_has_ended() -> None:
    campaign = make_campaign()
    waiting, done, fresh = checked(campaign, LIST), imported(campaign, LIST), upload(campaign, LIST)
    late = NOW + timedelta(hours=24)
    RecipientImport.objects.filter(pk__in=[waiting.pk, done.pk]).update(created_at=late - maintenance.KEPT)
    RecipientImport.objects.filter(pk=fresh.pk).update(created_at=late - maintenance.KEPT + timedelta(seconds=1))
    maintenance.remove_files(late)
    for row in (waiting, done, fresh):
        row.refresh_from_db()
    assert [row.state for row in (waiting, done, fresh)] == ["discarded", "completed", "uploaded"]
    assert [row.file_removed_at for row in (waiting, done, fresh)] == [late, late, None]
    assert stored() == [Path(fresh.storage_name).name]
    assert not staged(waiting)
    assert done.counts["accepted"] == 3
    for look in (lambda: service.sample(done), lambda: list(error_report(done))):
        assert code_of(look) == "import_file_removed"
    maintenance.remove_files(late)


def test_a_file_whose_process_died_before_it_wrote_a_row_goes_after_a_day_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maintenance, "_looked_for_strays", None)
    kept = upload(make_campaign(), LIST)
    stray = f"imports/{uuid7()}/{uuid7_at(int(NOW.timestamp() * 1000))}.enc"  # its time is the file's age
    encrypted_files.encrypt_file(stray, [LIST], b"a file without a row")
    default_storage.save("imports/notes/readme.txt", ContentFile(b"not ours"))
    maintenance.remove_strays(NOW + timedelta(hours=23))
    maintenance.remove_strays(NOW + timedelta(hours=23, minutes=59, seconds=59))  # has looked within the hour
    assert default_storage.exists(stray)
    maintenance.remove_strays(NOW + timedelta(hours=25))
    assert not default_storage.exists(stray)
    assert default_storage.exists(kept.storage_name) and default_storage.exists("imports/notes/readme.txt")


def test_what_is_being_imported_keeps_its_file_however_old() -> None:
    campaign = make_campaign()
    row = checked(campaign, LIST)
    service.confirm(row, consent_statement="Yes.", actor=None, now=NOW)
    late = NOW + timedelta(days=3)
    RecipientImport.objects.update(updated_at=late - timedelta(hours=23))
    maintenance.remove_files(late)
    assert staged(row) and len(stored()) == 1
    work()
    assert recipients(campaign) == numbers(3)


def test_a_list_that_no_worker_goes_on_with_fails_and_is_not_kept_for_ever() -> None:
    row = checked(make_campaign(), LIST)
    service.confirm(row, consent_statement="Yes.", actor=None, now=NOW)
    late = NOW + timedelta(days=3)
    RecipientImport.objects.update(created_at=NOW, updated_at=late - timedelta(hours=24))
    maintenance.remove_files(late)
    row.refresh_from_db()
    assert (row.state, row.error, row.file_removed_at) == ("failed", maintenance.STUCK, late)
    assert stored() == [] and not staged(row)


def test_a_workspace_keeps_its_lists_for_as_long_as_it_says_and_all_under_a_legal_hold() -> None:
    campaign = make_campaign()
    row = imported(campaign, LIST)
    rules.set_days(campaign.workspace, RetentionKind.LISTS, 7, actor=None)
    RecipientImport.objects.update(created_at=NOW)
    maintenance.remove_files(NOW + timedelta(days=6))
    hold = holds.place(campaign.workspace, campaign_id=None, name="A", reason="B", actor=None)
    maintenance.remove_files(NOW + timedelta(days=8))
    assert stored() == [Path(row.storage_name).name]
    holds.lift(hold, reason="C", actor=None, now=NOW)
    maintenance.remove_files(NOW + timedelta(days=8))
    assert stored() == []


def test_a_discarded_list_is_gone_with_the_next_tick() -> None:
    row = checked(make_campaign(), LIST)
    service.discard(row, actor=None, now=NOW)
    assert code_of(lambda: service.check(row, actor=None, now=NOW)) == "import_discarded"
    maintenance.remove_files(NOW)
    assert stored() == [] and not staged(row)


def test_imports_that_nobody_works_on_are_warned_of_and_leave_the_platform_ready() -> None:
    assert maintenance.warning in WARNINGS and maintenance.warning() == ""
    row = service.check(upload(make_campaign(), LIST), actor=None, now=NOW)
    assert maintenance.warning() == ""
    RecipientImport.objects.filter(pk=row.pk).update(updated_at=timezone.now() - timedelta(minutes=3))
    assert maintenance.warning() == "1 import has made no progress for minutes; is there a `manage.py worker imports`?"


@pytest.mark.django_db(transaction=True)
def test_the_tick_rings_for_imports_under_way_and_the_job_works_on_them() -> None:
    get_queue("imports").connection.flushdb()
    assert {maintenance.wake_for_imports, maintenance.remove_files} <= set(tick.STEPS)
    maintenance.wake_for_imports(NOW)
    assert get_queue("imports").count == 0
    row = service.check(upload(make_campaign(), LIST), actor=None, now=NOW)
    maintenance.wake_for_imports(NOW)
    (job,) = get_queue("imports").jobs
    assert job.func_name == wakeups.JOBS["imports"] and job.func is work_imports
    job.func()
    row.refresh_from_db()
    assert row.state == "checked"


BESIDE = b"Name,Phone,Name,Phone\r\nAna,2025550100,Ben,2025550101\r\n"
ABOVE = b"Name,Phone\r\nAna,2025550100\r\nDO NOT CALL,\r\nBen,2025550101\r\n"


@pytest.mark.parametrize(("content", "asked"), [(BESIDE, ["which_phone"] * 2), (ABOVE, ["heading"])])
def test_what_is_asked_of_a_list_of_people_who_are_to_be_reached_is_asked_of_an_upload(
    content: bytes, asked: list[str]
) -> None:
    row = upload(make_campaign(), content)
    assert [column.question for column in service.sample(row).reading if column.question] == asked
    assert code_of(lambda: service.check(row, actor=None, now=NOW)) == "columns_unclear"


@pytest.mark.parametrize(("name", "said"), [("DNC_list.csv", 1), ("opt-outs 2026-12-01.csv", 1), ("recall.csv", 0)])
def test_a_file_that_is_named_like_a_list_of_opt_outs_is_warned_about(name: str, said: int) -> None:
    warnings = service.warnings(upload(make_campaign(), LIST, name=name))
    assert len(warnings) == said and all("must not be reached" in warning for warning in warnings)


def test_of_a_list_with_a_heading_far_below_only_those_above_it_become_voicemails() -> None:
    campaign = make_campaign()
    people = [[number, "Ana"] for number in numbers(300)]
    row = imported(campaign, as_csv([*people[:250], ["DO NOT CALL", ""], *people[250:]]))
    assert len(recipients(campaign)) == 250
    assert (row.codes, row.counts["not_reachable"]) == ({"says_no": 1, "under_heading": 50}, 51)
