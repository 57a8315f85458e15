"""People whose appointment was canceled are taken out of a campaign: who is meant, what is shown first, and who wins a race."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.models import Campaign, Withdrawal
from campaigns.states import CampaignState, ImportState
from campaigns.withdrawals import service
from campaigns.withdrawals.lists import MAX_LINES, listed_lines, pasted_lines
from delivery.lane_totals import reasons_of
from delivery.models import Voicemail
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.campaigns.imports.lists import imported, upload
from tests.campaigns.imports.lists import make_campaign as import_campaign
from tests.factories import add_recipients, make_campaign, make_voicemail, patient_number

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def check(campaign: Campaign, *lines: str) -> Withdrawal:
    return service.check(campaign, pasted_lines(lines), actor=None, now=NOW)


def check_file(campaign: Campaign, text: str) -> Withdrawal:
    content = text.encode()
    lines = listed_lines(lambda: iter([content]), len(content))
    return service.check(campaign, lines, actor=None, now=NOW)


def confirm(withdrawal: Withdrawal) -> int:
    withdrawn = service.confirm(withdrawal, actor=None, now=NOW).withdrawn
    assert withdrawn is not None
    return withdrawn


def person(campaign: Campaign, serial: int, **fields: Any) -> Voicemail:
    return make_voicemail(lane=campaign.lane, recipient=patient_number(serial), **fields)


def counts(withdrawal: Withdrawal) -> dict[str, int]:
    return {outcome: count for outcome, count in withdrawal.counts.items() if count}


def statuses(campaign: Campaign) -> dict[str, int]:
    return {row.recipient: row.status for row in Voicemail.objects.filter(lane=campaign.lane)}


@pytest.fixture
def campaign(db: None) -> Campaign:
    """With three people who have a record number and a reference each."""
    campaign = make_campaign(state="running")
    for serial in range(3):
        person(campaign, serial, record_number=f"00{serial}", reference=f"visit-{serial}")
    return campaign


@pytest.mark.parametrize("name", ["001", " 001 ", "visit-1", patient_number(1), "(201) 555-0101"])
def test_a_line_names_a_person_by_record_number_reference_or_number(campaign: Campaign, name: str) -> None:
    withdrawal = check(campaign, name)
    assert counts(withdrawal) == {"waiting": 1}
    assert set(Voicemail.objects.values_list("status", flat=True)) == {"queued"}
    assert confirm(withdrawal) == 1
    [out] = Voicemail.objects.filter(status="canceled")
    assert (out.record_number, out.reason) == ("001", "withdrawn")
    assert reasons_of([campaign.pk])[campaign.pk] == {("queued", ""): 2, ("canceled", "withdrawn"): 1}


@pytest.mark.parametrize("state", ["draft", "scheduled", "running", "paused"])
def test_it_is_done_in_any_state_in_which_somebody_waits(campaign: Campaign, state: str) -> None:
    Campaign.objects.update(state=state)
    campaign.refresh_from_db()
    assert confirm(check(campaign, "000", "002")) == 2


@pytest.mark.parametrize("state", ["completed", "canceled"])
def test_where_nobody_waits_any_more_it_is_refused(campaign: Campaign, state: str) -> None:
    withdrawal = check(campaign, "000")
    Campaign.objects.update(state=state)
    campaign.refresh_from_db()
    for verb in (lambda: check(campaign, "000"), lambda: confirm(withdrawal)):
        with pytest.raises(ServiceError) as caught:
            verb()
        assert caught.value.code == "campaign_state"
    assert CampaignState(state) and not Voicemail.objects.exclude(status="queued").exists()


def test_the_check_says_what_each_line_came_to(campaign: Campaign) -> None:
    person(campaign, 10, record_number="sent", status="delivered")
    person(campaign, 11, record_number="tried", status="failed", reason="busy")
    person(campaign, 12, record_number="gone", status="skipped", reason="suppressed")
    person(campaign, 13, record_number="both")
    person(campaign, 14, reference="both")
    withdrawal = check(campaign, "000", "", "visit-0", "sent", "tried", "gone", "both", "nobody", "002")
    assert counts(withdrawal) == {
        "waiting": 2, "repeated": 1, "sent": 2, "ended": 1, "ambiguous": 1, "not_found": 1,
    }  # fmt: skip
    assert withdrawal.lines == {
        "repeated": [3], "sent": [4, 5], "ended": [6], "ambiguous": [7], "not_found": [8],
    }  # fmt: skip
    assert confirm(withdrawal) == 2
    assert Voicemail.objects.filter(reason="withdrawn").count() == 2


def test_one_name_for_several_people_takes_nobody_out(campaign: Campaign) -> None:
    for serial in (20, 21):
        person(campaign, serial, record_number="family")
    withdrawal = check(campaign, "family")
    assert (counts(withdrawal), withdrawal.voicemail_ids) == ({"ambiguous": 1}, [])
    # With the number as well it is known which of them is meant.
    narrowed = check_file(campaign, f"MRN,Phone\nfamily,{patient_number(21)}\n")
    assert counts(narrowed) == {"waiting": 1}


def test_columns_that_name_different_people_take_nobody_out(campaign: Campaign) -> None:
    text = f"MRN,Mobile phone\n000,{patient_number(0)}\n001,{patient_number(2)}\n002,+12125550199\n"
    withdrawal = check_file(campaign, text)
    assert counts(withdrawal) == {"waiting": 2, "ambiguous": 1}
    assert withdrawal.lines == {"ambiguous": [3]}


def test_a_child_who_is_not_in_the_campaign_takes_no_brother_out_by_their_phone(campaign: Campaign) -> None:
    withdrawal = check_file(campaign, f"MRN,Phone\n777,{patient_number(1)}\n002,{patient_number(2)}\n")
    assert counts(withdrawal) == {"ambiguous": 1, "waiting": 1}
    assert withdrawal.lines == {"ambiguous": [2]}


@pytest.mark.parametrize("names", ["MRN,Visit ID", "MRN,Reference"])
def test_another_visit_of_a_patient_is_not_the_one_that_was_canceled(campaign: Campaign, names: str) -> None:
    withdrawal = check_file(campaign, f"{names}\n000,visit-7\n001,visit-1\n")
    assert counts(withdrawal) == {"ambiguous": 1, "waiting": 1}


def test_who_has_no_record_number_in_the_campaign_is_found_by_the_phone(campaign: Campaign) -> None:
    person(campaign, 40)
    assert counts(check_file(campaign, f"MRN,Visit ID,Phone\n777,visit-77,{patient_number(40)}\n")) == {"waiting": 1}


def test_people_of_other_campaigns_and_workspaces_are_not_meant(campaign: Campaign) -> None:
    other = make_campaign(campaign.use_case, state="running")
    person(other, 1, record_number="001", reference="visit-1")
    person(make_campaign(state="running"), 1, record_number="001")
    assert confirm(check(campaign, "001")) == 1
    assert list(Voicemail.objects.filter(status="canceled").values_list("lane_id", flat=True)) == [campaign.pk]


def test_of_a_schedule_those_are_taken_out_whose_appointment_was_canceled(campaign: Campaign) -> None:
    text = "MRN,Appt Status\n000,Scheduled\n001,Cancelled\n002,Confirmed\n"
    withdrawal = check_file(campaign, text)
    assert counts(withdrawal) == {"waiting": 1, "stands": 2}
    confirm(withdrawal)
    assert Voicemail.objects.get(status="canceled").record_number == "001"


@pytest.mark.parametrize("text", ["MRN\n000\n002\n", "000\n002\n", "Reference\nvisit-0\nvisit-2\n"])
def test_a_list_of_one_column_is_enough(campaign: Campaign, text: str) -> None:
    assert counts(check_file(campaign, text)) == {"waiting": 2}


VISITS = [
    "Visit ID",
    "CSN",
    "Encounter #",
    "Encounter",
    "Appt ID",
    "Appointment Number",
    "Visit #",
    "Contact Serial Number",
    "Pt CSN",
]


@pytest.mark.parametrize("name", VISITS)
def test_the_number_of_a_visit_is_a_reference(campaign: Campaign, name: str) -> None:
    assert counts(check_file(campaign, f"{name},Provider\nvisit-0,Dr. Oak\nvisit-2,Dr. Elm\n")) == {"waiting": 2}
    # Beside a record number it says which visit of the patient is meant.
    assert counts(check_file(campaign, f"MRN,{name}\n000,visit-0\n001,visit-2\n")) == {"waiting": 1, "ambiguous": 1}


def test_people_of_a_list_with_the_numbers_of_their_visits_are_found_by_these() -> None:
    campaign = import_campaign()
    imported(campaign, b"Phone,Visit ID,Appt Date\n2025550100,V10071,3/9/2026\n2025550101,V10072,3/9/2026\n")
    assert sorted(Voicemail.objects.values_list("reference", flat=True)) == ["V10071", "V10072"]
    assert counts(check_file(campaign, "Visit ID\nV10072\n")) == {"waiting": 1}


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Visit #", "1|2|1"),
        ("Visit Number", "1|2|3"),
        ("Encounter", "3/2/2026|3/3/2026|3/4/2026"),
        ("Visit Type ID", "1001|1001|1001"),
    ],
)
def test_how_many_visits_there_were_and_when_is_no_reference(campaign: Campaign, header: str, cells: str) -> None:
    text = f"{header},MRN\n" + "".join(f"{cell},00{at}\n" for at, cell in enumerate(cells.split("|")))
    assert counts(check_file(campaign, text)) == {"waiting": 3}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Name,City\nAna,Austin\nBen,Boston\n", "identifier_column_missing"),
        ("MRN,Disposition\n000,K7\n001,L2 discharged\n002,K7\n", "status_column_unclear"),
        ("MRN,Rescheduled\n000,N\n001,Y\n002,N\n", "status_column_unclear"),
        ("MRN,Phone\n", "withdrawal_empty"),
        ("", "list_unreadable"),
        ("MRN\n" + "1\n2\n" * (MAX_LINES // 2 + 1), "too_many_lines"),
    ],
    ids=["no column", "a status that nobody knows", "a yes or no to something", "no rows", "nothing", "too many"],
)
def test_a_list_that_names_nobody_is_refused(campaign: Campaign, text: str, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check_file(campaign, text)
    assert (caught.value.code, caught.value.field) == (code, "file")


def test_nothing_that_names_a_person_is_kept_or_told(campaign: Campaign) -> None:
    confirm(check(campaign, "001", "Rosa Unknown", "MRN-77777"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM campaigns_withdrawal t")
        kept = cursor.fetchone()[0]
    told = str(list(AuditEvent.objects.values("action", "details")))
    assert "campaign.withdrawal_checked" in told and "campaign.people_withdrawn" in told
    for word in ("Rosa", "77777"):
        assert word not in kept + told
    event = AuditEvent.objects.get(action="campaign.people_withdrawn")
    assert (event.details["asked"], event.details["withdrawn"]) == (1, 1)


def test_it_is_confirmed_once(campaign: Campaign) -> None:
    withdrawal = check(campaign, "001")
    confirm(withdrawal)
    with pytest.raises(ServiceError) as caught:
        confirm(withdrawal)
    assert caught.value.code == "withdrawal_confirmed"


def test_who_has_left_since_the_check_is_not_called_back(campaign: Campaign) -> None:
    withdrawal = check(campaign, "000", "001")
    Voicemail.objects.filter(record_number__isnull=False, recipient_index=index_of(campaign, 0)).update(
        status="sending"
    )
    assert confirm(withdrawal) == 1
    assert Voicemail.objects.get(recipient_index=index_of(campaign, 0)).status == "sending"


def index_of(campaign: Campaign, serial: int) -> bytes:
    return blind_index().of(campaign.workspace_id, patient_number(serial))


def test_who_waits_for_a_retry_is_taken_out_too(campaign: Campaign) -> None:
    retried = person(campaign, 30, record_number="again", reason="busy", attempts=1)
    assert confirm(check(campaign, "again")) == 1
    retried.refresh_from_db()
    assert (retried.status, retried.reason) == ("canceled", "withdrawn")


def test_nobody_is_taken_out_while_others_come_in(campaign: Campaign) -> None:
    Campaign.objects.update(state="draft")
    campaign.refresh_from_db()
    row = upload(campaign, b"Phone,Name\n2025550100,Ana\n")
    type(row).objects.filter(pk=row.pk).update(state=ImportState.IMPORTING)
    with pytest.raises(ServiceError) as caught:
        check(campaign, "001")
    assert caught.value.code == "import_under_way"


def test_names_are_found_under_an_older_index_key(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    rotated = KeyRing({**settings.RVM_INDEX_KEYS.keys, 200: b"k" * 32}, 200)
    monkeypatch.setattr(settings, "RVM_INDEX_KEYS", rotated)
    blind_index.cache_clear()
    try:
        assert counts(check(campaign, "001", patient_number(2))) == {"waiting": 2}
    finally:
        monkeypatch.undo()
        blind_index.cache_clear()


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["000", "001", "visit-1", "002", "nobody", "", patient_number(2)]), max_size=12))
def test_every_line_comes_to_exactly_one_thing(campaign: Campaign, lines: list[str]) -> None:
    with transaction.atomic():
        if not any(lines):
            with pytest.raises(ServiceError):
                check(campaign, *lines)
            return
        withdrawal = check(campaign, *lines)
        assert sum(withdrawal.counts.values()) == sum(map(bool, lines))
        assert withdrawal.counts["waiting"] == len(set(withdrawal.voicemail_ids)) == confirm(withdrawal)
        left = reasons_of([campaign.pk])[campaign.pk]
        assert left.get(("canceled", "withdrawn"), 0) == withdrawal.counts["waiting"]
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_is_under_way_wins_and_is_waited_for() -> None:
    campaign = make_campaign(state="running")
    claimed, *_ = add_recipients(campaign, 2)
    withdrawal = check(campaign, patient_number(0), patient_number(1))
    assert counts(withdrawal) == {"waiting": 2}
    result: list[int] = []

    def take_out() -> None:
        try:
            result.append(confirm(withdrawal))
        finally:
            connection.close()

    worker = threading.Thread(target=take_out)
    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=claimed.pk)
        worker.start()
        wait_for_a_lock()
        Voicemail.objects.filter(pk=claimed.pk).update(status="sending", updated_at=timezone.now())
    worker.join(30)
    assert result == [1]
    assert sorted(Voicemail.objects.values_list("status", flat=True)) == ["canceled", "sending"]


def wait_for_a_lock() -> None:
    """Until somebody waits for one that this transaction holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody came to wait for the row")
