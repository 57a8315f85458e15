"""The life of a list of opt-outs: questions, doubts, confirmation, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from campaigns.imports import maintenance as importing_upkeep
from campaigns.models import OptOutImport
from campaigns.opt_outs import listing, maintenance, runner, service
from campaigns.states import CampaignState, OptOutState
from delivery.models import Voicemail
from delivery.runtime import wakeups
from delivery.worker import tick
from rvm.platform.encryption import encrypted_files
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from tests.campaigns.opt_outs.lists import (
    NOW,
    after_work,
    check,
    checked,
    confirmed,
    imported,
    listed,
    undone,
    uploaded,
)
from tests.factories import make_campaign, make_use_case, make_user, make_voicemail, patient_number
from usecases.models import Suppression
from usecases.suppressions import suppress, suppress_index

pytestmark = pytest.mark.django_db
ANN, BOB, CEM = "+12025550142", "+12025550143", "+12025550144"


def refused(action: Any) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        action()
    return raised.value


# questions


def test_a_list_of_patients_lists_nobody_before_somebody_has_said_what_its_column_means(workspace: Workspace) -> None:
    row = uploaded(workspace, "Phone,OK to call\n2025550142,Yes\n2025550143,No\n2025550144,\n")
    problem = refused(lambda: check(row))
    assert problem.code == "columns_unclear"
    assert [(asked["position"], asked["name"]) for asked in problem.facts["columns"]] == [(1, "OK to call")]
    service.read_as(row, {"columns": ["phone", "consent"]}, actor=None, now=NOW)
    done = check(row)
    assert (done.counts["to_add"], done.counts["not_opted_out"], done.counts["permitted"]) == (2, 1, 0)
    assert not service.looks_like_patients(done)
    assert not Suppression.objects.exists()
    confirmed(done, must_not_be_reached=False)
    assert set(listed(workspace)) == {BOB, CEM}


@pytest.mark.parametrize(("said", "numbers"), [("opt_out", {ANN}), ("", {ANN, BOB, CEM})])
def test_a_column_of_marks_decides_as_somebody_says(workspace: Workspace, said: str, numbers: set[str]) -> None:
    row = uploaded(workspace, "Phone,Do not call\n2025550142,Y\n2025550143,N\n2025550144,\n")
    assert refused(lambda: check(row)).code == "columns_unclear"
    service.read_as(row, {"columns": ["phone", said]}, actor=None, now=NOW)
    confirmed(check(row))
    assert set(listed(workspace)) == numbers


def test_what_only_a_late_row_says_takes_off_who_says_no_in_so_many_words(workspace: Workspace) -> None:
    """A column is read by the first rows; a no far below is one, an empty cell or an unclear one keeps its person on the list."""
    rows = "".join(f"20255501{place:02},Y\n" for place in range(42)) * 5
    row = checked(workspace, f"Phone,Do not call\n{rows}2025550142,no\n2025550143,\n2025550144,later\n")
    assert row.columns == ["phone", "opt_out"]
    assert row.counts["not_opted_out"] == 1
    confirmed(row)
    assert ANN not in listed(workspace) and {BOB, CEM} < set(listed(workspace))


def test_every_own_number_of_a_row_is_taken_and_no_other_persons(workspace: Workspace) -> None:
    imported(
        workspace,
        "Name,Cell,Home,Work,Emergency Phone\n"
        "Ann,2025550142 or 2025550143,,(202) 555-0144 (desk),2025550145\n"
        "Bob,,202.555.0146,n/a,2025550147\n",
    )
    assert set(listed(workspace)) == {ANN, BOB, CEM, "+12025550146"}


def test_a_row_that_is_wider_than_its_list_is_refused(workspace: Workspace) -> None:
    row = checked(workspace, "Name,Phone\nAnn,2025550142\nBob, 2025550143,2025550144\n")
    assert row.unreadable == {"row_wide": {"count": 1, "rows": [3]}}


# doubts


def test_most_of_it_waiting_in_a_campaign_needs_a_word_more(workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace), 3, state=CampaignState.SCHEDULED)
    waiting = [patient_number(at) for at in range(3)]
    row = checked(workspace, "Phone\n" + "\n".join([*waiting, BOB, BOB]) + "\n")
    assert (row.counts["waiting"], row.counts["to_add"], row.counts["repeated"]) == (3, 4, 1)
    problem = refused(lambda: service.confirm(row, actor=None, now=NOW))
    assert problem.code == "opt_out_list_looks_like_patients"
    assert "3 of 4 numbers wait in a campaign" in problem.message
    assert not Suppression.objects.exists()
    confirmed(row, must_not_be_reached=True)
    assert len(listed(campaign.workspace)) == 4
    assert AuditEvent.objects.get(action="opt_outs.confirmed").details["must_not_be_reached"] is True


@pytest.mark.parametrize("state", [CampaignState.COMPLETED, CampaignState.CANCELED])
def test_who_waits_no_longer_raises_no_doubt(workspace: Workspace, state: CampaignState) -> None:
    make_campaign(make_use_case(workspace), 1, state=state)
    assert checked(workspace, f"Phone\n{patient_number(0)}\n").counts["waiting"] == 0


def test_a_column_that_permits_raises_a_doubt_where_everybody_is_listed_all_the_same(workspace: Workspace) -> None:
    row = uploaded(workspace, "Phone,OK to call\n2025550142,Yes\n2025550143,No\n")
    service.read_as(row, {"columns": ["phone", ""]}, actor=None, now=NOW)
    row = check(row)
    assert row.counts["permitted"] == 1
    assert service.looks_like_patients(row) == [
        "This looks like a list of patients: 1 row says in a column that the person may be reached."
    ]
    assert refused(lambda: service.confirm(row, actor=None, now=NOW)).code == "opt_out_list_looks_like_patients"


def test_a_list_without_a_number_is_not_confirmed(workspace: Workspace) -> None:
    row = checked(workspace, "Phone,Name\n2025550142 x9,Ann\n")
    assert refused(lambda: service.confirm(row, actor=None, now=NOW)).code == "opt_out_list_without_numbers"


# confirmed once


def test_of_two_who_confirm_one_wins(workspace: Workspace) -> None:
    row = checked(workspace, "Phone\n2025550142\n")
    again = OptOutImport.objects.get(pk=row.pk)
    service.confirm(row, actor=None, now=NOW)
    assert refused(lambda: service.confirm(again, actor=None, now=NOW)).code == "opt_out_list_importing"
    assert AuditEvent.objects.filter(action="opt_outs.confirmed").count() == 1
    assert after_work(row).added == 1


def test_a_killed_worker_is_followed_by_one_that_adds_and_counts_nothing_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BATCH", 2)
    numbers = [f"+120255501{place:02}" for place in range(10)]
    row = checked(workspace, "Phone\n" + "\n".join([*numbers, *numbers[:3]]) + "\n")
    put: Any = listing.suppress_all
    calls = []

    def dying(*arguments: Any, **options: Any) -> int:
        calls.append(arguments)
        if len(calls) == 3:
            raise OperationalError("terminating connection")
        return int(put(*arguments, **options))

    service.confirm(row, actor=None, now=NOW)
    monkeypatch.setattr(listing, "suppress_all", dying)
    with pytest.raises(OperationalError):
        runner.work()
    row.refresh_from_db()
    assert (row.state, row.rows_imported, row.added) == ("importing", 4, 4)
    done = after_work(row)
    assert (done.state, done.rows_imported, done.added) == ("completed", 13, 10)
    assert Suppression.objects.filter(import_id=row.pk).count() == 10


# undone


def test_an_undone_list_leaves_the_suppression_list_as_it_was(workspace: Workspace) -> None:
    suppress(workspace_id=workspace.pk, number=ANN, source=Suppression.Source.PERSON, reason="asked")
    before = list(Suppression.objects.values())
    row = imported(workspace, "Phone\n2025550142\n2025550143\n2025550144\n")
    assert (row.added, len(listed(workspace))) == (2, 3)
    person = make_user(workspace=workspace)
    done = undone(row, actor=person)
    assert (done.state, done.taken_back, done.undone_by) == ("undone", 2, person)
    assert list(Suppression.objects.values()) == before
    assert AuditEvent.objects.get(action="opt_outs.undone").details == {
        "added": 2,
        "taken_back": 2,
        "ended_meanwhile": 0,
    }


def test_what_anybody_else_has_said_since_stays(workspace: Workspace) -> None:
    other = make_user(workspace=workspace)
    row = imported(workspace, "Phone,Reason\n" + "".join(f"202555014{last},left\n" for last in range(5)))
    mine = {row.number: bytes(row.number_index) for row in Suppression.objects.all()}
    suppress(workspace_id=workspace.pk, number="+12025550140", source=Suppression.Source.CARRIER, reason="opted_out")
    suppress(workspace_id=workspace.pk, number="+12025550141", source=Suppression.Source.PERSON, reason="asked")
    imported(workspace, "Phone\n2025550142\n", actor=other)
    index_key = Suppression.objects.values_list("index_key", flat=True).first() or 0
    suppress_index(
        workspace_id=workspace.pk,
        number_index=mine["+12025550143"],
        index_key=index_key,
        last4="0143",
        reason="opted_out",
    )
    done = undone(row)
    assert (done.added, done.taken_back) == (5, 1)
    # Of the last one only the index is known to whom reported it.
    assert set(listed(workspace)) == {*(f"+1202555014{last}" for last in range(3)), None}
    assert {bytes(index) for index in Suppression.objects.values_list("number_index", flat=True)} == {
        mine[f"+1202555014{last}"] for last in range(4)
    }
    assert Suppression.objects.filter(import_id=None).count() == 4


def test_a_list_that_names_a_number_twice_takes_it_back_all_the_same(workspace: Workspace) -> None:
    row = imported(workspace, "Phone\n2025550142\n202-555-0142\n")
    assert undone(row).taken_back == 1
    assert not Suppression.objects.exists()


def test_voicemails_that_were_ended_meanwhile_are_counted_and_stay(workspace: Workspace) -> None:
    row = imported(workspace, "Phone\n2025550142\n2025550143\n")
    ended = make_voicemail(make_use_case(workspace), recipient=ANN, status="skipped", reason="suppressed")
    make_voicemail(make_use_case(workspace), recipient=BOB, status="delivered")
    assert undone(row).ended_meanwhile == 1
    assert Voicemail.objects.get(pk=ended.pk).status == "skipped"


def test_an_undo_goes_by_batches_and_waits_for_who_holds_a_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "TAKEN_BACK_AT_ONCE", 2)
    row = imported(workspace, "Phone\n" + "".join(f"202555014{last}\n" for last in range(5)))
    taken: Any = listing.take_back
    # As if somebody else held all that is left.
    monkeypatch.setattr(listing, "take_back", lambda *_: [])
    service.undo(row, actor=None, now=NOW)
    assert runner.work() is True
    row.refresh_from_db()
    assert (row.state, row.taken_back) == ("undoing", 0)
    monkeypatch.setattr(listing, "take_back", taken)
    done = after_work(row)
    assert (done.state, done.taken_back) == ("undone", 5)


def test_only_what_is_listed_is_undone_and_only_once(workspace: Workspace) -> None:
    row = checked(workspace, "Phone\n2025550142\n")
    assert refused(lambda: service.undo(row, actor=None, now=NOW)).code == "opt_out_list_checked"
    undone(confirmed(row))
    assert refused(lambda: service.undo(row, actor=None, now=NOW)).code == "opt_out_list_undone"


def test_a_list_whose_file_is_lost_half_way_fails_and_can_be_undone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BATCH", 1)
    row = checked(workspace, "Phone\n2025550142\n2025550143\n")
    service.confirm(row, actor=None, now=NOW)
    OptOutImport.objects.filter(pk=row.pk).update(added=1, rows_imported=1)
    encrypted_files.delete(row.storage_name)
    row = after_work(row)
    assert (row.state, "upload it again" in row.error) == ("failed", True)
    assert refused(lambda: service.discard(row, actor=None, now=NOW)).code == "opt_out_list_failed"
    assert undone(row).state == "undone"


# a day


def test_a_file_is_kept_for_a_day_and_what_it_listed_for_ever(workspace: Workspace) -> None:
    left, done = uploaded(workspace, "Phone\n2025550142\n"), imported(workspace, "Phone\n2025550143\n")
    maintenance.remove_files(NOW + timedelta(hours=23))
    assert len(encrypted_files.names_in(OptOutImport.FOLDER)) == 2
    maintenance.remove_files(NOW + timedelta(hours=25))
    assert encrypted_files.names_in(OptOutImport.FOLDER) == []
    states = dict(OptOutImport.objects.values_list("pk", "state"))
    assert states == {left.pk: OptOutState.DISCARDED, done.pk: OptOutState.COMPLETED}
    assert listed(workspace) == {BOB: ""}
    done.refresh_from_db()
    assert undone(done).taken_back == 1


def test_the_tick_rings_for_lists_under_way(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {maintenance.wake_for_lists, maintenance.remove_files} <= set(tick.STEPS)
    rung: list[str] = []
    monkeypatch.setattr(maintenance, "wake", rung.append)
    row = uploaded(workspace, "Phone\n2025550142\n")
    maintenance.wake_for_lists(NOW)
    service.check(row, actor=None, now=NOW)
    maintenance.wake_for_lists(NOW)
    assert rung == ["imports"] and "imports" in wakeups.JOBS


def test_a_list_that_stands_still_is_a_warning(workspace: Workspace) -> None:
    row = uploaded(workspace, "Phone\n2025550142\n")
    OptOutImport.objects.filter(pk=row.pk).update(state="checking", updated_at=NOW)
    assert "1 import has made no progress" in importing_upkeep.warning()
