"""From a list to voicemails: every row ends as exactly one of six, nobody is added twice, and nothing is in clear on the way."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.db import DatabaseError, DataError, OperationalError, connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.imports import service, staging
from campaigns.imports.error_report import error_report
from campaigns.imports.row_errors import CODES
from campaigns.imports.runner import work
from campaigns.lifecycle.service import edit
from campaigns.models import Campaign, RecipientImport, RejectedRow
from campaigns.states import ImportState, RowOutcome
from delivery.lane_totals import counts_of
from delivery.models import Voicemail
from rvm.platform.database.ids import time_of
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from tests import factories
from tests.campaigns.imports.lists import as_csv, checked, imported, make_campaign, numbers, recipients
from usecases.models import NumberAssignment, UseCase

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_runtime")]


def outcomes(row: RecipientImport) -> dict[str, int]:
    return {outcome: count for outcome, count in row.counts.items() if count}


def rejected(row: RecipientImport) -> list[tuple[int, str]]:
    return list(
        RejectedRow.objects.filter(recipient_import=row).order_by("row_number").values_list("row_number", "code")
    )


def test_accepted_rows_become_queued_voicemails_in_the_held_lane_in_the_order_of_the_list() -> None:
    campaign = make_campaign()
    row = imported(campaign, as_csv([[number, "Rosa"] for number in numbers(5)]))
    assert (row.state, outcomes(row), row.rows_read, row.rows_imported) == ("completed", {"accepted": 5}, 5, 5)
    assert recipients(campaign) == numbers(5)
    assert counts_of([campaign.pk])[campaign.pk] == {"queued": 5}
    voicemail = Voicemail.objects.filter(lane_id=campaign.pk).order_by("id")[0]
    assert voicemail.status == "queued" and voicemail.expires_at is None and voicemail.sender == ""
    assert voicemail.recording_id == campaign.recording_id and voicemail.live
    assert voicemail.workspace_id == campaign.workspace_id
    assert voicemail.use_case_id == campaign.lane.use_case_id and voicemail.setup_id == campaign.lane.use_case.setup_id
    assert bytes(voicemail.recipient_index) == blind_index().of(campaign.workspace_id, numbers(1)[0])
    assert voicemail.index_key == blind_index().current and voicemail.last4 == "0100"
    assert voicemail.merge_fields == {"name": "Rosa"} and voicemail.zones == ["America/New_York", "state:DC"]
    assert voicemail.pk.version == 7 and voicemail.pk.variant == "specified in RFC 4122"
    assert abs((time_of(voicemail.pk) - timezone.now()).total_seconds()) < 60


def test_reference_zones_and_fields_of_a_row_are_kept_with_its_voicemail() -> None:
    campaign = make_campaign()
    header = ("mobile", "First Name", "Reference", "Time Zone", "State", "Language", "Appointment Day")
    row = imported(campaign, as_csv([[numbers(1)[0], " Zoë ", "A-17", "Central", "CO", "es", "Monday"]], header))
    assert outcomes(row) == {"accepted": 1}
    voicemail = Voicemail.objects.get(lane_id=campaign.pk)
    assert voicemail.reference == "A-17"
    assert voicemail.zones == ["America/Chicago", "America/Denver", "America/New_York", "state:CO", "state:DC"]
    assert voicemail.merge_fields == {"first_name": "Zoë", "language": "es", "appointment_day": "Monday"}


def test_a_postal_code_names_its_state_and_a_number_that_may_be_anywhere_none() -> None:
    workspace = factories.make_workspace(area_codes=["238"])
    campaign = make_campaign(workspace)
    rows = [[numbers(1)[0], "33101"], ["+12385550142", "33101"], ["+13055550142", ""]]
    assert outcomes(imported(campaign, as_csv(rows, ("mobile", "ZIP")))) == {"accepted": 3}
    zones = {v.recipient: v.zones for v in Voicemail.objects.filter(lane_id=campaign.pk)}
    assert zones[numbers(1)[0]] == ["America/Chicago", "America/New_York", "state:DC", "state:FL"]
    assert zones["+13055550142"] == ["America/New_York", "state:FL"]
    assert "state:FL" not in zones["+12385550142"]


def test_whoever_says_no_in_one_row_is_not_reached_by_another() -> None:
    number, other = numbers(2)
    rows = [[number, "Yes"], [other, "Yes"], [f"({number[2:5]}) {number[5:8]}-{number[8:]}", "No"], [number, ""]]
    campaign = make_campaign()
    row = imported(campaign, as_csv(rows, header=("Phone", "Consent")))
    assert recipients(campaign) == [other]
    assert rejected(row) == [(2, "consent_refused"), (4, "consent_refused"), (5, "consent_blank")]


ROWS: list[tuple[list[str], str]] = [
    (["(202) 555-0142", "", "Y"], "accepted"),
    (["1-202-555-0142", "", "Yes"], "duplicate_in_file"),
    (["", "", "Y"], "phone_missing"),
    (["4.15555E+09", "", "Y"], "excel_damaged"),
    (["202 555 0143 x12", "", "Y"], "has_extension"),
    (["no phone today", "", "Y"], "has_letters"),
    (["12345", "", "Y"], "not_a_phone"),
    (["+12021550142", "", "Y"], "number_not_valid"),
    (["+442079460018", "", "Y"], "number_country_not_opened"),
    (["+15550010001", "", "Y"], "number_sandbox_only"),
    (["+18005550142", "", "Y"], "number_kind_not_reachable"),
    (["+12025550144", "Narnia", "Y"], "time_zone_unknown"),
    (["+12025550145", "", "perhaps"], "consent_unclear"),
    (["+12025550146", "", "No"], "consent_refused"),
    (["+12025550147", "Central", "yes"], "accepted"),
    (["+12025550148", "", "Y"], "suppressed"),
    (["+12025550149", "", "Y"], "duplicate_in_campaign"),
    (["+12025550142", "", ""], "consent_blank"),
    (["+12025550151"], "row_short"),
    (["+12025550151", "", "Y"], "number_in_doubt"),
    (["+12025550150", "", "2026-01-02"], "accepted"),
]


def test_every_row_ends_as_one_outcome_and_a_bad_row_never_stops_the_rest() -> None:
    campaign = make_campaign()
    factories.make_suppression(campaign.workspace, "+12025550148")
    factories.make_voicemail(lane=campaign.lane, recipient="+12025550149")
    content = as_csv([["A-7", *cells] for cells, _ in ROWS], ("id", "Phone", "Time Zone", "Consent"))
    row = imported(campaign, content)
    expected = [(number, code) for number, (_, code) in enumerate(ROWS, 2) if code != "accepted"]
    assert rejected(row) == expected
    assert row.codes == Counter(code for _, code in expected)
    assert row.counts == {
        outcome: sum(1 for _, code in ROWS if (CODES[code].outcome if code in CODES else code) == outcome)
        for outcome in RowOutcome
    }
    assert sum(row.counts.values()) == row.rows_read == len(ROWS)
    # Not 0151: the row that breaks off may have said no.
    assert recipients(campaign)[1:] == ["+12025550142", "+12025550147", "+12025550150"]
    assert [error[:3] for error in service.first_errors(row, per_code=1, reveal=True)][:3] == [
        (3, "duplicate_in_file", "duplicate_in_file"),
        (4, "invalid", "phone_missing"),
        (5, "invalid", "excel_damaged"),
    ]
    assert len(service.first_errors(row, per_code=1, reveal=True)) == len(set(row.codes))


cells = st.sampled_from(
    [
        *numbers(4),
        "202-555-0100",
        "",
        "x",
        "+12021550100",
        "+18005550142",
        "+442079460018",
        "4.2E+09",
        '"',
        "2025550101 x5",
    ]
) | st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)


@settings(max_examples=40)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=30))
def test_whatever_a_list_holds_its_counts_add_up_and_no_number_is_queued_twice(rows: list[tuple[str, str]]) -> None:
    campaign = make_campaign()
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("phone", "name"), *(tuple(c.replace("\0", "") for c in r) for r in rows)])
    # Where the cells are against the names, a person is asked; here one has answered.
    said = {"header_row": 1, "columns": ["phone", "name"]}
    row = checked(campaign, text.getvalue().encode("utf-8", "replace"), reading=said)
    if row.state == ImportState.FAILED:
        assert row.error
        return
    assert sum(row.counts.values()) == row.rows_read
    assert row.counts[RowOutcome.ACCEPTED] + RejectedRow.objects.filter(recipient_import=row).count() == row.rows_read
    if row.counts[RowOutcome.ACCEPTED]:
        service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
        work()
        row.refresh_from_db()
        assert row.state == ImportState.COMPLETED
    reached = recipients(campaign)
    assert len(reached) == len(set(reached)) == row.counts[RowOutcome.ACCEPTED]


def test_the_same_file_twice_changes_nothing_and_is_said_before() -> None:
    campaign = make_campaign()
    content = as_csv([[number, "A"] for number in numbers(7)])
    first = imported(campaign, content)
    assert service.warnings(first) == []
    again = checked(campaign, content)
    assert outcomes(again) == {"duplicate_in_campaign": 7}
    assert "changes nothing" in service.warnings(again)[0]
    assert recipients(campaign) == numbers(7)


def test_who_joined_or_opted_out_between_check_and_confirmation_is_left_out() -> None:
    campaign = make_campaign()
    one = checked(campaign, as_csv([[number, "A"] for number in numbers(4)]))
    other = checked(campaign, as_csv([[number, "B"] for number in numbers(5)[1:]]))
    assert (outcomes(one), outcomes(other)) == ({"accepted": 4}, {"accepted": 4})
    factories.make_suppression(campaign.workspace, numbers(5)[4])
    for row in (one, other):
        service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    work()
    one.refresh_from_db()
    other.refresh_from_db()
    assert outcomes(one) == {"accepted": 4}
    assert outcomes(other) == {"duplicate_in_campaign": 3, "suppressed": 1}
    assert other.codes == {"duplicate_in_campaign": 3, "suppressed": 1}
    assert recipients(campaign) == numbers(4)
    assert counts_of([campaign.pk])[campaign.pk] == {"queued": 4}


def assign(e164: str, use_case: UseCase) -> str:
    number = factories.make_phone_number(use_case.setup, e164)
    NumberAssignment.objects.create(use_case=use_case, phone_number=number)
    return e164


def test_a_person_sees_the_number_that_they_saw_last_under_this_use_case() -> None:
    campaign = make_campaign()
    seen, unseen, tested = numbers(3)
    use_case = campaign.lane.use_case
    earlier, last = assign("+12125550101", use_case), assign("+12125550102", use_case)
    for sender in (earlier, last, "+12125550103"):  # which is another setup's
        factories.make_voicemail(use_case, recipient=seen, sender=sender, status="delivered")
    factories.make_voicemail(use_case, recipient=tested, sender=earlier, live=False, status="delivered")
    imported(campaign, as_csv([[number, ""] for number in (seen, unseen, tested)]))
    rows = Voicemail.objects.filter(lane_id=campaign.pk).order_by("id")
    assert list(rows.values_list("sender", flat=True)) == [last, "", ""]


def test_while_the_index_key_rotates_a_number_is_found_under_either_key(settings: Any) -> None:
    campaign = make_campaign()
    known, suppressed, new = numbers(3)
    factories.make_voicemail(lane=campaign.lane, recipient=known)
    factories.make_suppression(campaign.workspace, suppressed)
    sender = assign("+12125550102", campaign.lane.use_case)
    factories.make_voicemail(campaign.lane.use_case, recipient=new, sender=sender, status="delivered")
    ring = project.RVM_INDEX_KEYS
    later = max(ring.keys) + 1
    settings.RVM_INDEX_KEYS = type(ring)(keys={**ring.keys, later: b"k" * 32}, current=later)
    blind_index.cache_clear()
    try:
        row = imported(campaign, as_csv([[number, ""] for number in (known, suppressed, new)]))
        assert outcomes(row) == {"accepted": 1, "duplicate_in_campaign": 1, "suppressed": 1}
        voicemail = Voicemail.objects.filter(lane_id=campaign.pk).latest("id")
        assert (voicemail.recipient, voicemail.sender, voicemail.index_key) == (new, sender, later)
        assert bytes(voicemail.recipient_index) == blind_index().of(campaign.workspace_id, new)
    finally:
        blind_index.cache_clear()


@pytest.mark.parametrize("rotated", [{"encryption": (1, 2)}, {"index": (1, 2)}], ids=["encryption key", "index key"])
def test_a_list_that_was_checked_under_an_older_key_is_staged_again(keys: Any, rotated: dict[str, Any]) -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[numbers(1)[0], "Rosalind"]]))
    keys(**rotated)
    service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    work()
    keys(**{kind: (2,) for kind in rotated})
    voicemail = Voicemail.objects.get(lane_id=campaign.pk)
    if "encryption" in rotated:
        assert voicemail.recipient == numbers(1)[0] and voicemail.merge_fields["name"] == "Rosalind"
    else:
        assert bytes(voicemail.recipient_index) == blind_index().of(campaign.workspace_id, numbers(1)[0])


def test_staging_holds_no_number_and_no_name_in_clear_and_goes_when_the_import_ends() -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[numbers(1)[0], "Rosalind"]]))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT s::text FROM {staging.table_of(row)} s")
        (told,) = cursor.fetchone()
        assert "2025550100" not in told and "Rosalind" not in told and b"Rosalind".hex() not in told
        service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
        work()
        cursor.execute("SELECT to_regclass(%s)", [staging.table_of(row)])
        assert cursor.fetchone() == (None,)


def test_rows_are_staged_in_segments_and_inserted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "SEGMENT", 7)
    monkeypatch.setattr(staging, "BLOCK", 3)
    monkeypatch.setattr("campaigns.imports.insertion.BATCH", 4)
    campaign = make_campaign()
    people = numbers(28)
    row = imported(campaign, as_csv([[number, ""] for number in [*people, people[0]]]))
    assert outcomes(row) == {"accepted": 28, "duplicate_in_file": 1}
    assert recipients(campaign) == people


@pytest.mark.parametrize(("most", "state"), [(10, ImportState.CHECKED), (9, ImportState.FAILED)])
def test_a_list_with_too_many_rows_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, most: int, state: ImportState
) -> None:
    monkeypatch.setattr(staging, "MAX_ROWS", most)
    monkeypatch.setattr(staging, "SEGMENT", most)
    row = checked(make_campaign(), as_csv([[number, ""] for number in numbers(10)]))
    assert row.state == state
    assert (f"more than {most} rows" in row.error) == (state is ImportState.FAILED)


def test_a_list_whose_file_is_lost_fails_with_a_sentence() -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[numbers(1)[0], "A"]]))
    service.check(row, actor=None, now=timezone.now())
    Path(project.MEDIA_ROOT, row.storage_name).unlink()
    work()
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "The uploaded file cannot be read any more; upload it again.")


@pytest.mark.parametrize(
    ("error", "state"), [(DataError("+12025550100 is too long"), "failed"), (OperationalError("gone"), "checking")]
)
def test_a_database_that_is_away_is_waited_for_and_one_that_takes_no_row_ends_the_import(
    monkeypatch: pytest.MonkeyPatch, error: DatabaseError, state: str
) -> None:
    def broken(*_: object) -> int:
        raise error

    monkeypatch.setattr(staging, "_copy", broken)
    campaign = make_campaign()
    with pytest.raises(OperationalError) if state == "checking" else nullcontext():
        checked(campaign, as_csv([[numbers(1)[0], "A"]]))
    row = RecipientImport.objects.get(campaign=campaign)
    assert row.state == state and "2025550100" not in row.error


def test_a_bug_in_checking_ends_the_import_and_shows_no_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("Rosalind +12025550100")

    monkeypatch.setattr("campaigns.imports.row_validation.places_of", broken)
    row = checked(make_campaign(), as_csv([[numbers(1)[0], "Central"]], ("phone", "time zone")))
    assert row.state == "failed" and "fault of the platform" in row.error
    assert "Rosalind" not in row.error + "".join(capsys.readouterr())


def test_the_error_report_can_be_mended_and_uploaded_again() -> None:
    campaign = make_campaign()
    content = as_csv(
        [["1", "202 555 0100", "Ana"], ["2", "+12021550101", "Ben"], ["3", "", "Cleo"], ["4", "202-555-0100", "Dora"]],
        ("Chart", "Phone", "Name"),
    )
    row = imported(campaign, content)
    report = list(error_report(row))
    assert report[0] == ["Chart", "Phone", "Name", "row_number", "error_code", "error_message"]
    assert [cells[:5] for cells in report[1:]] == [
        ["2", "+12021550101", "Ben", "3", "number_not_valid"],
        ["3", "", "Cleo", "4", "phone_missing"],
        ["4", "202-555-0100", "Dora", "5", "same_phone"],
    ]
    assert all(cells[5] == CODES[cells[4]].message for cells in report[1:])
    report[1][1], report[2][1] = "+12025550101", "+12025550102"
    text = io.StringIO(newline="")
    csv.writer(text).writerows(report)
    again = imported(campaign, text.getvalue().encode())
    assert outcomes(again) == {"accepted": 2, "duplicate_in_campaign": 1}
    assert recipients(campaign) == ["+12025550100", "+12025550101", "+12025550102"]
    fixed = Voicemail.objects.get(lane_id=campaign.pk, last4="0102")
    assert (fixed.merge_fields, fixed.record_number) == ({"name": "Cleo"}, "3")
    assert [cells[:5] for cells in error_report(again)][1:] == [
        ["4", "202-555-0100", "Dora", "4", "duplicate_in_campaign"]
    ]


def test_a_list_without_a_header_is_reported_with_the_names_of_its_columns() -> None:
    row = checked(make_campaign(), b"2025550100,Ana\r\n2025550100,Ben\r\n")
    assert row.header_row == 0
    report = list(error_report(row))
    assert report[0] == ["phone", "column 2", "row_number", "error_code", "error_message"]
    assert report[1][:4] == ["2025550100", "Ben", "2", "same_phone"]


def test_a_test_campaign_takes_the_numbers_of_the_sandbox() -> None:
    campaign = make_campaign(live=False)
    assert outcomes(imported(campaign, as_csv([["+15550010001", "A"]]))) == {"accepted": 1}


def test_a_campaign_that_is_ended_meanwhile_takes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[number, ""] for number in numbers(3)]))
    service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    Campaign.objects.filter(pk=campaign.pk).update(state="canceled")
    work()
    row.refresh_from_db()
    assert row.state == "failed" and "ended or launched" in row.error
    assert recipients(campaign) == []


def test_who_owns_a_list_elsewhere_keeps_it_and_the_next_one_is_worked_on() -> None:
    held, free = make_campaign(), make_campaign()
    rows = [
        service.check(imports_uploaded, actor=None, now=timezone.now())
        for imports_uploaded in (
            service.upload(
                campaign=campaign,
                file_name="l.csv",
                chunks=[as_csv([[numbers(1)[0], ""]])],
                actor=None,
                now=timezone.now(),
            )
            for campaign in (held, free)
        )
    ]
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtextextended('campaigns.importing:' || %s::text, 0))", [held.pk]
            )
        assert work() is True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")  # a closed connection lets go in its own time
    finally:
        other.close()
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == ["checking", "checked"]
    assert work() is False
    rows[0].refresh_from_db()
    assert rows[0].state == "checked"


def confirmed(row: RecipientImport) -> RecipientImport:
    service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    work()
    row.refresh_from_db()
    return row


def test_rows_are_judged_again_where_the_campaign_got_a_use_case_that_sends_for_real() -> None:
    workspace = factories.make_workspace()
    pretending = factories.make_use_case(setup=factories.make_setup(workspace))
    real = factories.make_use_case(setup=factories.make_setup(workspace, carrier="drop_cowboy"))
    campaign = make_campaign(use_case=pretending)
    row = checked(campaign, as_csv([["+15550010001", "A"], [numbers(1)[0], "B"]]))
    assert outcomes(row) == {"accepted": 2}
    edit(campaign, {"use_case": real}, actor=None, now=timezone.now())
    assert outcomes(confirmed(row)) == {"accepted": 1, "not_reachable": 1}
    assert rejected(row) == [(2, "number_sandbox_only")] and recipients(campaign) == numbers(1)


def test_rows_are_judged_again_where_a_country_was_closed_since() -> None:
    workspace = factories.make_workspace(countries=["GB"])
    campaign = make_campaign(workspace)
    row = checked(campaign, as_csv([["+442079460018", "A"], [numbers(1)[0], "B"]]))
    assert outcomes(row) == {"accepted": 2}
    Workspace.objects.filter(pk=workspace.pk).update(countries=[])
    assert outcomes(confirmed(row)) == {"accepted": 1, "not_reachable": 1}
    assert recipients(campaign) == numbers(1)


def test_a_number_of_a_new_area_code_is_reached_once_an_administrator_has_opened_the_code() -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([["+16215550142", "A"], ["238-555-0142", "B"], [numbers(1)[0], "C"]]))
    assert rejected(row) == [(2, "number_area_code_unknown"), (3, "number_area_code_unknown")]
    Workspace.objects.filter(pk=campaign.workspace_id).update(area_codes=["238", "621"])
    row = confirmed(RecipientImport.objects.get(pk=row.pk))
    assert outcomes(row) == {"accepted": 3}
    zones = {v.recipient: set(v.zones) for v in Voicemail.objects.filter(lane_id=campaign.pk)}
    assert zones["+16215550142"] == {"America/Chicago", "state:TX"}
    assert zones["+12385550142"] >= {"America/New_York", "America/Denver", "Pacific/Honolulu"}
    # A code that the plan does not have may be in any state, and then none is named: the rules of all bind.
    assert not any(place.startswith("state:") for place in zones["+12385550142"])


def test_a_list_that_cannot_be_read_any_more_ends_with_its_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[number, ""] for number in numbers(3)]))
    service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    staging.unstage(row)

    def away(*arguments: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(RecipientImport, "content", away)
    work()
    row.refresh_from_db()
    assert row.state == "importing"  # the storage may come back
    Campaign.objects.filter(pk=campaign.pk).update(state="canceled")
    work()
    row.refresh_from_db()
    assert row.state == "failed" and "ended or launched" in row.error


def test_a_list_that_is_being_imported_waits_where_its_clips_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[number, ""] for number in numbers(3)]))
    service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())
    staging.unstage(row)

    def away(*arguments: object) -> None:
        raise ServiceError("storage_unavailable", "The media storage does not answer.")

    monkeypatch.setattr(staging, "judge_for", away)
    work()
    row.refresh_from_db()
    assert (row.state, row.error) == ("importing", "")
    monkeypatch.undo()
    work()
    row.refresh_from_db()
    assert row.state == "completed" and recipients(campaign) == numbers(3)
