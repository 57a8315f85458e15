"""Lists with a row for each phone, whose owner another column names: nobody else is reached, whatever that column is called."""

from __future__ import annotations

import pytest

from tests.campaigns.imports.grammar import several
from tests.campaigns.imports.offline import read_list

NAMES = several(
    """
    Relationship|Relation|Relationship to Patient|Contact Type|Number Type|Type|PHONE_TYPE_DISP|Phone Type Code|Contact Relationship
    Rel|Phone Description|Phone Desc|Line Type|Phone Category|Parentesco|Relación|Phone Use|PhoneTypeName|Phone Kind|Tipo de teléfono
    """
)


def rows(name: str, *types: str) -> bytes:
    lines = [f"Patient,{name},Phone", *(f"Ana,{each},202555010{at}" for at, each in enumerate(types, 1))]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("name", NAMES)
def test_the_phone_of_an_emergency_contact_is_not_reached(name: str) -> None:
    read = read_list(rows(name, "Self", "Emergency Contact", "Self"))
    assert read.asked == {1: "phone_type"} or read.codes == {3: "phone_of_another"}
    assert "+12025550102" not in read.reached


@pytest.mark.parametrize("name", NAMES)
def test_a_contact_far_down_is_not_reached_either(name: str) -> None:
    types = ["Self"] * 300 + ["Emergency contact"]
    lines = [f"Ana,{each},20255{at:05}" for at, each in enumerate(types, 50000)]
    read = read_list("\r\n".join([f"Patient,{name},Phone", *lines]).encode())
    assert (read.asked, len(read.reached), read.codes) == ({}, 300, {302: "phone_of_another"})


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Type", ["New", "Follow-up", "New"]),
        ("Appt Type", ["Home", "Office", "Home"]),
        ("Phone Type", ["Cell", "Home", "Work"]),
        ("Member rating", ["2", "3", "1"]),
        ("Area Code", ["202", "303", "202"]),
        ("Relationship to Insured", ["Self", "Self", "Self"]),
        ("Referral Source", ["Friend", "Self", "Physician"]),
    ],
)
def test_types_of_something_else_are_not_asked_about(name: str, cells: list[str]) -> None:
    read = read_list(rows(name, *cells))
    assert (read.asked, len(read.reached)) == ({}, 3)


@pytest.mark.parametrize("cells", [["Home", "Cell", "Home"], ["Cell", "Cell", "Cell"]])
def test_which_phone_is_preferred_is_no_phone(cells: list[str]) -> None:
    lines = [f"Ana {at},202555010{at},303555010{at},{each}" for at, each in enumerate(cells, 1)]
    read = read_list("\r\n".join(["Name,Cell,Home,Preferred Phone", *lines]).encode())
    assert (read.asked, read.columns) == ({}, ["name", "phone", "phone_2", "preferred_phone"])


@pytest.mark.parametrize(
    "name", ["Whose phone", "Phone belongs to", "Phone owner", "Contact", "Contact Relation", "Speak to"]
)
def test_whose_a_phone_is_is_asked_about_where_somebody_elses_is_named(name: str) -> None:
    read = read_list(rows(name, "Self", "Daughter", "Self", "Wife", "self"))
    assert read.asked == {1: "phone_type"} or "+12025550102" not in read.reached


def test_a_home_of_the_patient_is_a_phone_where_phones_stand_in_it() -> None:
    read = read_list(
        b"Guar Home,Pt Name,Pt Home,Pt Cell\r\n3035550150,Ana,,2025550101\r\n3035550151,Ben,2025550102,\r\n"
    )
    assert (read.asked, read.reached) == ({}, ["+12025550101", "+12025550102"])


def test_phones_of_google_contacts_are_the_persons_own() -> None:
    read = read_list(
        b"First Name,Organization Name,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value\r\n"
        b"Ana,,Mobile,2025550101,Home,3035550101\r\nBen,,Mobile,2025550102,,\r\n"
        b"Cora,,Work Fax,3035550103,Mobile,2025550103\r\n"
    )
    assert (read.asked, read.reached) == ({}, ["+12025550101", "+12025550102", "+12025550103"])


@pytest.mark.parametrize("ditto", ["same as above", "ditto", '""""', "Idem", "same"])
def test_a_no_beside_the_phone_of_the_row_above_binds_it(ditto: str) -> None:
    lines = ["Name,Phone,OK to call", "Ana,2025550101,Y", f"Lea,{ditto},Y", f"Leo,{ditto},N", "Ben,2025550102,Y"]
    assert read_list("\r\n".join(lines).encode()).reached == ["+12025550102"]


def test_the_phone_of_the_row_above_is_the_households() -> None:
    read = read_list(b"Name,Phone,OK to call\r\nAna,2025550101,Y\r\nLea,same as above,Y\r\nBen,,Y\r\nBo,same,Y\r\n")
    assert (read.reached, read.codes) == (["+12025550101"], {4: "phone_missing", 5: "phone_missing"})


OWN_PHONES = [["202555011{}", "202555012{}", "202555013{}"], ["Home Phone", "Cell", "Work Phone"]]
PREFERENCES = {
    "Preferred Phone": "Home|Cell|Home|Work|Cell|",
    "Preferred contact number type": "H|C|H|W|C|",
    "Best phone": "casa|celular|casa|trabajo|cel|",
    "Primary phone type": "Home|Cell|Home|Work|Cell|None",
    "Phone Preference": "HOME|MOBILE|HOME|WORK|MOBILE|Spouse",
    "Best Number": "Home #|Cell #|Home #|Work #|Cell #|",
    "Preferred Contact": "Home|Cell|Home|Work|Cell|",
    "Contact Preference": "Home|Cell|Home|Work|Cell|",
    "Tipo de teléfono preferido": "Casa|Celular|Casa|Trabajo|Celular|",
    "Pref Ph": "Home Phone|Mobile Phone|Home phone|Work Phone|Cell Phone|",
    "Default Phone": "H|M|H|W|M|",
}


def preferring(name: str, cells: str) -> bytes:
    phones, names = OWN_PHONES
    lines = [",".join(["Patient", *names, name])]
    for at, cell in enumerate(cells.split("|"), 1):
        lines.append(",".join([f"P{at}", *(phone.format(at) for phone in phones), cell]))
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(("name", "cells"), PREFERENCES.items(), ids=PREFERENCES)
def test_the_phone_that_somebody_prefers_is_tried_first(name: str, cells: str) -> None:
    read = read_list(preferring(name, cells))
    assert (read.asked, read.columns[-1]) == ({}, "preferred_phone")
    assert [number[-3:] for number in read.reached] == ["111", "122", "113", "134", "125", "126"]


def test_where_the_preferred_phone_is_none_another_own_one_is_tried() -> None:
    content = preferring("Preferred Phone", "Home|Home").replace(b"2025550112", b"")
    assert [number[-3:] for number in read_list(content).reached] == ["111", "122"]


def test_the_type_beside_a_phone_says_which_one_is_preferred() -> None:
    lines = ["Patient,Phone 1,Phone 1 Type,Phone 2,Phone 2 Type,Preferred Phone"]
    lines += ["Ana,2025550101,Home,2025550111,Cell,Cell", "Ben,2025550102,Cell,2025550112,Home,Cell"]
    assert read_list("\r\n".join(lines).encode()).reached == ["+12025550111", "+12025550102"]


def test_the_type_of_the_primary_phone_is_no_preference() -> None:
    lines = [
        "Patient,Primary Phone,Primary Phone Type,Home Phone",
        "Ana,2025550101,Cell,2025550111",
        "Ben,2025550102,Home,2025550112",
    ]
    read = read_list("\r\n".join(lines).encode())
    assert (read.columns[2], read.reached) == ("phone_type", ["+12025550101", "+12025550102"])


@pytest.mark.parametrize("other", ["Email", "Do not call", "Text message", "No", "Portal"])
def test_a_preference_for_another_way_is_asked_about_and_heard_far_down(other: str) -> None:
    cells = "|".join(["Home", "Cell", "Work", other, "Cell", ""])
    assert read_list(preferring("Preferred Phone", cells)).asked == {4: "preference"}
    lines = ["Patient,Home Phone,Cell,Preferred Phone"]
    lines += [f"P{at},20255{at:05},30355{at:05},{'Home' if at < 50300 else other}" for at in range(50000, 50301)]
    read = read_list("\r\n".join(lines).encode())
    assert (read.asked, len(read.reached)) == ({}, 300)
    assert "+13035550300" not in read.reached


TO_REACH = several(
    """
    Best Contact Number|Best number to reach|Best number to reach you|Preferred number|Mejor teléfono|Preferred Phone|Best Phone
    Best #|Mejor número|Teléfono preferido|Preferred Contact Number|Best Contact Phone|Preferred Contact|Best Contact #
    """
)


@pytest.mark.parametrize("name", TO_REACH)
def test_the_preferred_number_is_the_persons_own_and_the_first(name: str) -> None:
    lines = [f"Patient,Cell,{name}", "Ana,2025550111,2025550101", "Ben,2025550112,2025550102", "Cora,2025550103,"]
    read = read_list("\r\n".join(lines).encode())
    assert (read.asked, read.reached) == ({}, ["+12025550101", "+12025550102", "+12025550103"])


@pytest.mark.parametrize("name", ["Reach at", "Number to call", "Contact at", "Reach me at", "Call", "Llamar a"])
def test_what_is_named_by_what_is_done_with_it_is_a_number_of_the_person(name: str) -> None:
    lines = [f"Patient,Home Phone,{name}", "Ana,,2025550101", "Ben,2025550102,2025550112"]
    read = read_list("\r\n".join(lines).encode())
    assert (read.asked, read.reached) == ({}, ["+12025550101", "+12025550102"])


def test_the_preferred_number_of_a_contact_who_is_named_is_not_reached() -> None:
    lines = [
        "Patient,Home Phone,Contact Name,Preferred Contact Number",
        "Ana,2025550101,Sis,2025550150",
        "Ben,2025550102,Sis,2025550151",
    ]
    assert read_list("\r\n".join(lines).encode()).reached == ["+12025550101", "+12025550102"]


@pytest.mark.parametrize("name", ["Phone Type", "Relationship"])
def test_the_phone_of_a_parent_far_down_is_reached_only_where_somebody_has_said_so(name: str) -> None:
    types = ["Self"] * 300 + ["Mother"]
    lines = [f"Ana,{each},20255{at:05}" for at, each in enumerate(types, 50000)]
    content = "\r\n".join([f"Patient,{name},Phone", *lines]).encode()
    read = read_list(content)
    assert (read.asked, len(read.reached), read.codes) == ({}, 300, {302: "phone_of_another"})
    assert len(read_list(content, {1: "phone_type"}).reached) == 301


SECOND = ["Cora,2025550103,N", "Dev,2025550104,Y"]


@pytest.mark.parametrize("header", ["Name,Phone,Do not call", "Name,Cell,DNC", "Phone,Name,OK to call"])
def test_below_the_header_of_another_list_nobody_is_reached(header: str) -> None:
    lines = ["Name,Phone,OK to call", "Ana,2025550101,Y", "Ben,2025550102,N", "", header, *SECOND]
    read = read_list("\r\n".join(lines).encode())
    assert set(read.reached) <= {"+12025550101"}
    assert read.asked or "under_another_header" in read.codes.values()


def test_below_the_same_header_on_another_page_people_are_reached() -> None:
    lines = ["Name,Phone,DNC", "Ana,2025550101,N", "Ben,2025550102,Y", "Name,Phone,DNC", *SECOND]
    assert read_list("\r\n".join(lines).encode()).reached == ["+12025550101", "+12025550103"]


@pytest.mark.parametrize(
    "names", ["Area Code,Phone", "AC,Home Phone", "Area,Telephone", "Lada,Teléfono", "AREA_CD,PHONE_NUM"]
)
def test_an_area_code_in_a_column_of_its_own_is_the_phones(names: str) -> None:
    lines = [
        f"Name,{names},OK to call",
        "Ana,202,555-0101,Y",
        "Ben,(202),5550102,N",
        "Cora,202,2025550103,Y",
        "Dev,,555-0104,Y",
    ]
    read = read_list("\r\n".join(lines).encode())
    assert (read.asked, read.columns[1:3]) == ({}, ["area_code", "phone"])
    assert (read.reached, read.codes) == (["+12025550101", "+12025550103"], {3: "consent_refused", 5: "not_a_phone"})


def test_who_says_no_beside_an_area_code_is_bound_in_other_rows() -> None:
    lines = ["Name,Area Code,Phone,OK to call", "Ana,202,555-0101,Y", "Ana,202,555-0101,N", "Ben,202,555-0102,Y"]
    assert read_list("\r\n".join(lines).encode()).reached == ["+12025550102"]


@pytest.mark.parametrize("name", ["Area", "Area Code", "AC"])
def test_beside_whole_numbers_an_area_is_kept_as_any_other_column(name: str) -> None:
    lines = [f"Name,{name},Phone", "Ana,202,2025550101", "Ben,303,3035550102"]
    read = read_list("\r\n".join(lines).encode())
    assert (read.asked, read.reached) == ({}, ["+12025550101", "+13035550102"])
    assert read.columns[1] in ("area", "ac", "area_code_2")  # and is no kind of column
