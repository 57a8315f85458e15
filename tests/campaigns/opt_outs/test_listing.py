"""Lists of numbers that must not be reached: every row ends as exactly one thing, and a bad one stops no other."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.imports import uploaded_lists
from campaigns.models import OptOutImport
from campaigns.opt_outs import listing
from campaigns.opt_outs.rows import MAX_REASON_LENGTH, message_of
from campaigns.opt_outs.service import numbers_of
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from tests.campaigns.opt_outs.lists import checked, confirmed, listed, undone, uploaded
from tests.factories import make_suppression, make_user, make_workspace
from usecases.models import Suppression

pytestmark = pytest.mark.django_db


def put(workspace: Workspace, content: bytes | str, **options: Any) -> OptOutImport:
    """Also a list in which no number can be read, which nobody can confirm."""
    row = checked(workspace, content, **options)
    return confirmed(row) if row.state == "checked" and numbers_of(row) else row


def counts(row: OptOutImport) -> tuple[int, int, int, int]:
    found = row.counts
    assert row.added == found["to_add"]
    return row.added, found["already_listed"], found["repeated"], found["unreadable"]


def test_every_row_ends_as_exactly_one_thing_and_a_bad_row_stops_no_other(workspace: Workspace) -> None:
    make_suppression(workspace, "+12025550101", reason="do_not_call")
    result = put(
        workspace,
        "Name,Mobile Phone,Reason\n"
        "Ann,(202) 555-0142,asked us to stop\n"
        "Bob,2025550101,again\n"
        "Cem,1-202-555-0142,once more\n"
        "Dee,2.02555E+09,\n"
        "Eli,,\n"
        "Fay,2.02555E+09,\n"
        "Gus,202.555.0143\n",
    )
    assert counts(result) == (2, 1, 1, 3)
    assert result.counts["rows"] == 7
    assert result.columns == ["", "phone", "reason"]
    assert result.unreadable == {
        "excel_damaged": {"count": 2, "rows": [5, 7]},
        "phone_missing": {"count": 1, "rows": [6]},
    }
    assert "rounded" in message_of("excel_damaged")
    assert listed(workspace) == {
        "+12025550142": "asked us to stop",
        "+12025550101": "again",
        "+12025550143": "",
    }
    # What was said before stays beside it.
    assert Suppression.objects.filter(source=Suppression.Source.PERSON).get().reason == "do_not_call"


def test_what_is_added_is_of_this_workspace_and_says_that_a_list_did_it(workspace: Workspace) -> None:
    put(workspace, "2025550142")
    assert listed(make_workspace()) == {}
    added = Suppression.objects.get(workspace=workspace)
    assert (added.source, added.last4) == (Suppression.Source.IMPORT, "0142")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("(800) 555-0199", "+18005550199"),
        ("+44 20 7946 0018", "+442079460018"),
        ("+15550010002", "+15550010002"),
        ("2025550144.0", "+12025550144"),
        ("tel:+1-202-555-0145", "+12025550145"),
    ],
)
def test_a_number_that_could_not_be_reached_anyway_can_be_listed(workspace: Workspace, cell: str, number: str) -> None:
    assert counts(put(workspace, f"Phone\n{cell}\n")) == (1, 0, 0, 0)
    assert list(listed(workspace)) == [number]


def test_a_list_twice_changes_nothing_but_that_no_list_alone_says_so(workspace: Workspace) -> None:
    content = "Phone,Reason\n2025550142,first\n2025550143,\n"
    put(workspace, content)
    before = list(Suppression.objects.order_by("id").values())
    assert counts(put(workspace, content.replace("first", "second"))) == (0, 2, 0, 0)
    assert list(Suppression.objects.order_by("id").values()) == [{**row, "import_id": None} for row in before]


def test_a_list_twice_changes_nothing_while_the_index_key_is_replaced(workspace: Workspace, settings: Any) -> None:
    put(workspace, "2025550142\n")
    old = settings.RVM_INDEX_KEYS
    new = max(old.keys) + 1
    with override_settings(RVM_INDEX_KEYS=KeyRing({**old.keys, new: b"n" * 32}, new)):
        assert counts(put(workspace, "2025550142\n2025550143\n")) == (1, 1, 0, 0)
    assert len(listed(workspace)) == 2


def test_a_number_that_somebody_has_listed_already_is_theirs_too(workspace: Workspace) -> None:
    row = checked(workspace, "2025550142\n2025550143\n")
    make_suppression(workspace, "+12025550142")
    assert confirmed(row).added == 1
    assert Suppression.objects.filter(import_id=row.pk).count() == 2
    assert undone(row).taken_back == 1
    assert [found.source for found in Suppression.objects.all()] == [Suppression.Source.PERSON]


@pytest.mark.parametrize(
    "header",
    ["Opt-out phone", "OPTED_OUT_NUMBER", "Do not call", "DNC Phone Number", "number"],
)
def test_a_column_named_after_opting_out_holds_the_numbers(workspace: Workspace, header: str) -> None:
    result = put(workspace, f"{header},Patient,Opt-out reason\n2025550142,Ann,asked\n")
    assert (result.columns, listed(workspace)) == (["phone", "", "reason"], {"+12025550142": "asked"})


def test_a_list_without_a_header_says_where_its_numbers_stood(workspace: Workspace) -> None:
    assert put(workspace, "Ann;2025550142\nBob;2025550143\n").columns == ["", "phone"]
    assert len(listed(workspace)) == 2


def test_a_workbook_is_read_like_any_list(workspace: Workspace) -> None:
    workbook, packed = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = workbook.active
    for row in (["Phone", "Reason"], [2025550142, "asked"], ["n/a", ""]):
        sheet.append(row)
    workbook.save(packed)
    assert counts(put(workspace, packed.getvalue())) == (1, 0, 0, 1)
    assert listed(workspace) == {"+12025550142": "asked"}


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("x" * 60, "x" * MAX_REASON_LENGTH),
        ("called from (202) 555-0142", "called from [number]"),
        ('"left\nus"', "left us"),
        ("’moved away", "’moved away"),
    ],
)
def test_a_reason_is_kept_short_on_one_line_and_without_a_number(workspace: Workspace, reason: str, kept: str) -> None:
    put(workspace, f"Phone,Reason\n2025550142,{reason}\n")
    assert listed(workspace) == {"+12025550142": kept}


def test_a_number_beside_bytes_that_are_no_text_is_listed(workspace: Workspace) -> None:
    content = "Name,Phone\nJosé Núñez Ibáñez,2025550142\n".encode() + b"Jos\xe9,2025550143\n"
    assert counts(put(workspace, content)) == (2, 0, 0, 0)


def test_lines_that_an_open_quotation_mark_swallows_are_not_passed_over_in_silence(workspace: Workspace) -> None:
    content = 'Phone,Reason\n2025550142,asked\n2025550143,"left\n2025550144,\n2025550145,\n'
    result = put(workspace, content)
    assert counts(result) == (3, 0, 0, 1)
    assert result.unreadable["quote_open"]["rows"] == [3]
    assert sorted(listed(workspace)) == ["+12025550142", "+12025550144", "+12025550145"]


@pytest.mark.parametrize(("content", "words"), [("", "nothing in this file"), ("%PDF-1.7 …", "PDF")])
def test_a_file_that_is_no_list_is_refused_with_what_to_do(workspace: Workspace, content: str, words: str) -> None:
    with pytest.raises(ServiceError) as refused:
        uploaded(workspace, content)
    assert (refused.value.code, words in refused.value.message) == ("import_unreadable", True), refused.value.message
    assert not OptOutImport.objects.exists()


@pytest.mark.parametrize("content", ["Name,Town\nAnn,Bern\n", "Fax\n2025550142\n"])
def test_a_list_without_numbers_of_its_people_is_not_checked(workspace: Workspace, content: str) -> None:
    with pytest.raises(ServiceError) as refused:
        checked(workspace, content)
    assert refused.value.code in ("phone_column_missing", "columns_unclear")
    assert not Suppression.objects.exists()


def test_a_list_without_rows_says_so(workspace: Workspace) -> None:
    row = checked(workspace, "Phone,Reason\n")
    assert (row.state, "no rows" in row.error) == ("failed", True)


def test_a_file_over_the_limit_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_lists, "MAX_BYTES", 5)
    with pytest.raises(ServiceError, match="more than"):
        uploaded(workspace, "2025550142")


@pytest.mark.parametrize(("most", "state"), [(3, "completed"), (2, "failed")])
def test_a_list_with_more_rows_than_are_taken_is_refused_whole(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, most: int, state: str
) -> None:
    monkeypatch.setattr(listing, "MAX_ROWS", most)
    monkeypatch.setattr(listing, "BATCH", 2)
    row = put(workspace, "2025550142\n2025550143\n2025550144\n")
    assert (row.state, row.added) == (state, 3 if state == "completed" else 0)


def test_what_was_done_is_recorded_with_counts_and_without_numbers(workspace: Workspace) -> None:
    person = make_user(workspace=workspace)
    row = checked(workspace, "2025550142\n2025550142\nno number here\n", actor=person)
    confirmed(row, actor=person)
    events = list(AuditEvent.objects.filter(subject_id=row.pk).order_by("id"))
    assert [(event.action.removeprefix("opt_outs."), event.actor) for event in events] == [
        ("uploaded", person),
        ("check_began", None),
        ("checked", None),
        ("confirmed", person),
        ("completed", None),
    ]
    assert events[3].details["counts"] == {
        "rows": 3,
        "to_add": 1,
        "already_listed": 0,
        "repeated": 1,
        "unreadable": 1,
        "not_opted_out": 0,
        "waiting": 0,
        "permitted": 0,
    }
    assert events[4].details == {"added": 1}


def test_of_rows_that_cannot_be_read_the_first_are_named(workspace: Workspace) -> None:
    kind = put(workspace, "Phone\n2025550142\n" + "n/a,\n" * 50).unreadable["phone_missing"]
    assert kind == {"count": 50, "rows": list(range(3, 23))}


_CELLS = st.one_of(
    st.sampled_from(["2025550142", "(202) 555-0142", "2025550143", "+44 20 7946 0018", "2.02E+09", "", "n/a", "x"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\n\r,\0;|\t'), max_size=12),
)


@settings(max_examples=40)
@given(st.lists(_CELLS, min_size=1, max_size=30))
def test_the_counts_are_of_all_rows_and_the_list_grows_by_what_was_added(db: None, phones: list[str]) -> None:
    workspace = make_workspace()
    make_suppression(workspace, "+12025550143")
    content = "Phone,Name\n" + "".join(f"{cell},Ann\n" for cell in phones)
    result = put(workspace, content, reading={"columns": ["phone", ""]})
    assert result.counts["rows"] == len(phones)
    numbers = Suppression.objects.filter(workspace=workspace).values_list("number_index", flat=True)
    assert len({bytes(index) for index in numbers}) == 1 + result.added
    assert result.added == result.counts["to_add"]


def test_who_is_hidden_by_a_filter_has_opted_out_all_the_same(workspace: Workspace) -> None:
    workbook, packed = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = workbook.active
    for cells in (["Phone"], ["2025550142"], ["2025550143"]):
        sheet.append(cells)
    sheet.row_dimensions[3].hidden = True
    workbook.save(packed)
    assert counts(put(workspace, packed.getvalue())) == (2, 0, 0, 0)
