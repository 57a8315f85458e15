"""Logs of calls and messages as lists of opt-outs: the number that stands in nearly every row is the clinic's own and nobody's."""

from __future__ import annotations

import pytest

from campaigns.opt_outs.call_logs import Side, numbers_of_many, side_of
from tests.campaigns.imports.grammar import several
from tests.campaigns.opt_outs.offline import Listed, list_out

CLINIC = "3125550199"
PEOPLE = [f"202555010{at}" for at in range(1, 6)]
LISTED = {f"+1{number}" for number in PEOPLE}

PAIRS = several(
    """
    From/To|Caller/Called Number|ANI/DNIS|Caller ID/Dialed|Calling Party/Called Party|Caller Number/Destination Number
    from_number/to_number|Source/Destination|Sender/Recipient|Originating Number/Dialed Digits|CLID/DID|Inbound Number/Line
    Caller Phone/Tracking Number|From Number/Hotline|Origen/Destino|De/Para|Llamante/Número marcado|Emisor/Receptor
    Número que llama/Número llamado|Remitente/Destinatario
    """
)


def log(name: str, other: str, numbers: list[str] = PEOPLE, others: list[str] | None = None) -> Listed:
    rows = zip(numbers, others or [CLINIC] * len(numbers), strict=True)
    lines = [
        f"Date,{name},{other},Seconds",
        *(f"3/{at}/2026,{own},{their},32" for at, (own, their) in enumerate(rows, 1)),
    ]
    return list_out("\n".join(lines).encode())


@pytest.mark.parametrize("pair", PAIRS)
def test_of_who_called_and_who_was_called_the_people_are_listed_and_never_the_clinic(pair: str) -> None:
    calling, called = pair.split("/")
    for listed in (log(calling, called), log(called, calling)):
        assert (listed.asked, listed.numbers) == ([], LISTED), listed.columns


@pytest.mark.parametrize("pair", PAIRS)
def test_where_both_sides_differ_from_row_to_row_it_is_asked_which_one_is_the_persons(pair: str) -> None:
    calling, called = pair.split("/")
    listed = log(calling, called, others=[f"312555019{at}" for at in range(5)])
    assert (listed.asked, listed.numbers) == (["which_phone", "which_phone"], set()), listed.columns


@pytest.mark.parametrize("pair", PAIRS[:6])
def test_where_the_clinic_has_two_lines_it_is_asked_too(pair: str) -> None:
    calling, called = pair.split("/")
    lines = [CLINIC, "3125550198", CLINIC, "3125550198", CLINIC]
    assert log(calling, called, others=lines).asked == ["which_phone", "which_phone"]


@pytest.mark.parametrize(
    "name", ["Caller ID", "Clinic Number", "Callback Number", "Staff phone", "ANI", "Zork", "Número de origen"]
)
def test_one_number_beside_the_phone_of_the_person_is_not_listed(name: str) -> None:
    listed = log("Phone", name)
    assert (listed.asked, listed.numbers) == ([], LISTED), listed.columns


@pytest.mark.parametrize("name", ["Home Phone", "Phone 2", "Work Phone", "Teléfono de casa"])
def test_one_number_in_a_column_of_the_persons_own_is_asked_about(name: str) -> None:
    """The members of a family have it, or somebody has filled it in for everybody."""
    assert log("Cell", name).asked == ["whose_phone"]


@pytest.mark.parametrize("name", ["Phone", "From", "To", "Caller", "Zork", ""])
def test_a_list_of_nothing_but_one_number_is_asked_about(name: str) -> None:
    lines = [*([name] if name else []), *[CLINIC] * 5]
    assert list_out("\n".join(lines).encode()).asked == ["whose_phone"]


@pytest.mark.parametrize("count", [1, 2])
def test_of_one_or_two_rows_nothing_can_be_told(count: int) -> None:
    assert log("Phone", "Fax", PEOPLE[:count]).numbers == set(sorted(LISTED)[:count])
    assert log("Caller", "Called", PEOPLE[:count]).asked == ["which_phone", "which_phone"]


@pytest.mark.parametrize(
    "name", ["From", "To", "Caller", "Called Number", "ANI", "Número marcado", "Caller ID", "Recipient"]
)
def test_the_only_numbers_of_a_log_are_the_peoples(name: str) -> None:
    listed = log(name, "Seconds of talk", others=["12"] * 5)
    assert (listed.asked, listed.numbers) == ([], LISTED), listed.columns


def test_two_columns_that_say_the_same_of_the_caller_are_both_the_persons() -> None:
    assert log("Caller", "ANI", others=PEOPLE).numbers == LISTED


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("From", Side.CALLING),
        ("caller_id", Side.CALLING),
        ("Calling Number", Side.CALLING),
        ("To", Side.CALLED),
        ("Dialed #", Side.CALLED),
        ("Called Party Number", Side.CALLED),
        ("Phone", None),
        ("Caller Name", Side.CALLING),  # where numbers stand in it
        ("From Date", None),
        ("Called By Agent", None),
        ("To Do", None),
        ("", None),
    ],
)
def test_a_side_is_named_by_its_words_and_no_others(name: str, side: Side | None) -> None:
    assert side_of(name) is side


def test_a_number_that_changes_its_column_and_stands_in_every_row_is_nobodys() -> None:
    rows = [[CLINIC, PEOPLE[0]], [PEOPLE[1], CLINIC], [CLINIC, PEOPLE[2]], [PEOPLE[3], CLINIC]]
    assert numbers_of_many(rows, [0, 1]) == {f"+1{CLINIC}"}
    # A household's stands in one column, and is asked about.
    assert numbers_of_many([[each, CLINIC] for each in PEOPLE], [0, 1]) == set()
    assert numbers_of_many(rows[:2], [0, 1]) == set()
    # One that stands in nearly every row of a column that is not read is the clinic's, wherever else it stands.
    assert numbers_of_many([[each, CLINIC] for each in PEOPLE], [0]) == {f"+1{CLINIC}"}


def test_a_log_that_turns_far_down_lists_the_clinic_nowhere() -> None:
    rows = [f"20255{at:05},{CLINIC}" for at in range(50000, 50300)]
    listed = list_out("\n".join(["From,To", *rows, f"{CLINIC},3035550101"]).encode())
    assert (listed.asked, len(listed.numbers), listed.refused) == ([], 300, {302: "number_of_many"})


@pytest.mark.parametrize("names", ["Their number,Our number", "Number reported,Our number that called"])
def test_whose_number_it_is_may_be_said_in_plain_words(names: str) -> None:
    rows = [f"{number},{CLINIC}" for number in PEOPLE]
    assert list_out("\n".join([names, *rows]).encode()).numbers == LISTED
