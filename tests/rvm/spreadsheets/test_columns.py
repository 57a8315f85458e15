"""Which column is which: by the names that lists really have, and by what the cells look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.spreadsheets.columns.kinds import KINDS, MERGE_FIELD, REPEATED, UNCLEAR, check_columns
from rvm.spreadsheets.columns.reading import read_columns
from rvm.spreadsheets.refusals import ColumnsInvalid


def guess_columns(header: list[str] | None, rows: list[list[str]]) -> list[str | None]:
    return [column.kind or None for column in read_columns(header, rows)]


PHONES = ["2025550142", "(202) 555-0143", "+12025550144"]

OF_PHONES = """
    phone, Phone, PHONE, phone_number, Phone Number, PhoneNumber, phoneNumber, phonenumber, Phone #, Phone No., Phone 1, Primary Phone
    Patient Phone, patient_phone, PatientPhone, patientphone, Pt. Phone, Client Phone, Member Phone Number, Contact Phone
    mobile, Mobile, Mobile Phone, MobilePhone, mobilephone, Mobile Number, Cell, cell, Cell Phone, cellphone, CELL_PHONE, Cell #
    Cellular
    tel, Tel., Telephone, Telephone Number, TELEPHONE NO, telno, msisdn, SMS Number, Home Phone, HomePhone, Work Phone, Landline Phone
    teléfono, Telefono, Número de teléfono, celular, Móvil, numéro, Numéro de téléphone, Téléphone portable, Handy, Handynummer
    Telefon, Telefonnummer, Mobil, Rufnummer, number, Number, Numbers, Contact Number, Contact, To, \u200bPhone\u00a0
"""


@pytest.mark.parametrize(
    "name", [name for line in OF_PHONES.strip().splitlines() for name in line.strip(" ").split(", ")]
)
def test_a_name_that_means_the_phone_is_known(name: str) -> None:
    assert guess_columns(["Visits", name, "Notes"], []) == ["visits", "phone", "notes"]


NOT_PHONES = """
    Fax, Fax Number, Phone Type, Phone Consent Date, Phone Extension, Ext, Emergency Contact Phone, Guarantor Phone, Provider Phone
    Clinic Phone, Pharmacy Tel, Caller ID, Mobile Carrier, Cell Phone Verified, Area Code, Phone Country Code, Phone Status
    Room Number, Account Number, NPI, Chart Number, Saxophonist, Hotel, Cellist, Telegram, From Number, Callback Number
"""


@pytest.mark.parametrize(
    "name", [name for line in NOT_PHONES.strip().splitlines() for name in line.strip().split(", ")]
)
def test_a_name_that_means_another_number_is_not_the_phone(name: str) -> None:
    assert "phone" not in guess_columns(["Visits", name], [])


OF_FIELDS = {
    "name": "Name, Full Name, FullName, Patient Name, PatientName, patient_name, Nombre completo",
    "first_name": "First Name, firstname, FIRST_NAME, FirstName, Patient First Name, First, Given Name, Fname, Vorname, Prénom",
    "last_name": "Last Name, lastname, Surname, Family Name, LName, Patient Last Name, Nachname, Apellidos",
    "time_zone": "Time Zone, timezone, TimeZone, time_zone, TZ, Patient Time Zone, Zeitzone",
    "postal_code": "Zip, ZIP Code, ZipCode, zip_code, Postal Code, PostalCode, Postcode, Patient Zip, Mailing Zip, PLZ",
    "state": "State, ST, State/Province, Province, Patient State, Address State, state_code, Estado",
    "reference": "Reference, Ref, External ID, Reference ID, External Reference, Referencia",
    "record_number": "ID, Patient ID, PatientID, patient_id, MRN, Medical Record Number, Account #, Chart #, Acct No, Patient Number",
    "language": "Language, Lang, Preferred Language, PreferredLanguage, Primary Language, Idioma, Sprache",
    "consent": "Consent, Consent?, Consented, Has Consent, Opt-In, opt_in, OptIn, Opted In, Voicemail Consent, Phone Consent",
    "consent_date": "Consent Date, consent_date, Date of Consent, Opt-in Date, Consented At, ConsentDate",
    "consent_source": "Consent Source, Source of Consent, Opt-In Source, Consent Method",
}


@pytest.mark.parametrize(
    ("field", "name"), [(field, name) for field, names in OF_FIELDS.items() for name in names.split(", ")]
)
def test_a_name_that_means_a_field_is_known(field: str, name: str) -> None:
    name = name.replace("#", "Number")
    assert guess_columns(["Phone", name], []) == ["phone", field]


GUESSED = {
    "mobile before home": (["Home Phone", "Mobile Phone"], [PHONES[:2]], ["phone_2", "phone"]),
    "any phone before home": (["Home Phone", "Phone"], [PHONES[:2]], ["phone_2", "phone"]),
    "home before work": (["Work Phone", "Home Phone"], [PHONES[:2]], ["phone_2", "phone"]),
    "the first of equals": (["Phone", "Phone"], [PHONES[:2]], ["phone", "phone_2"]),
    "the fuller of equals": (["Phone 1", "Phone 2"], [["", PHONES[0]], [PHONES[1], PHONES[2]]], ["phone_2", "phone"]),
    "a full home before an empty mobile": (
        ["Mobile", "Home Phone"],
        [["", PHONES[0]], ["", PHONES[1]], ["", PHONES[2]]],
        ["phone_2", "phone"],
    ),
    "a half-full mobile before a full home": (
        ["Mobile", "Home Phone"],
        [[PHONES[0], PHONES[1]], ["", PHONES[1]]],
        ["phone", "phone_2"],
    ),
    "unknown name, cells look like phones": (["Kontakt", "X"], [[PHONES[0], "a"], [PHONES[1], "b"]], ["phone", "x"]),
    "an account number that looks like a phone": (
        ["Account Number", "Kontakt"],
        [PHONES[:2]],
        ["record_number", "phone"],
    ),
    "a fax only": (["Fax"], [PHONES[:1]], ["fax"]),
    "nothing like a phone": (["Visits"], [["3"]], ["visits"]),
    "blank names are not read": (["Phone", "", " "], [[PHONES[0], "a", "b"]], ["phone", None, None]),
    "a time beside the day of an appointment": (
        ["Cell", "Appointment Day", "Time"],
        [[PHONES[0], "1/5/2026", "9:30 AM"]],
        ["phone", "appointment_day", "appointment_time"],
    ),
    "a day beside the time of an appointment": (
        ["Teléfono", "Fecha", "Hora de la cita"],
        [[PHONES[0], "5/1/2026", "9:30"]],
        ["phone", "appointment_day", "appointment_time"],
    ),
    "a time beside no appointment": (["Cell", "Time"], [[PHONES[0], "9:30 AM"]], ["phone", "time"]),
    "two times beside an appointment's day": (
        ["Cell", "Appointment Day", "Time", "Hour"],
        [[PHONES[0], "1/5/2026", "9:30 AM", "9"]],
        ["phone", "appointment_day", "time", "hour"],
    ),
    "rows wider than the header": (["Phone"], [[PHONES[0], "a"]], ["phone", None]),
    "no field twice": (["Zip", "Postal Code", "Phone"], [], ["postal_code", "postal_code_2", "phone"]),
    "merge fields": (
        ["Phone", "Appointment Day", "Dr.", "Fälligkeit (€)", "2nd visit", "姓名", "DOB", "Dob"],
        [],
        ["phone", "appointment_day", "dr", "falligkeit", "column_2nd_visit", "column_6", "dob", "dob_2"],
    ),
}


@pytest.mark.parametrize(("header", "rows", "columns"), GUESSED.values(), ids=GUESSED)
def test_columns_are_guessed(header: list[str], rows: list[list[str]], columns: list[str | None]) -> None:
    assert guess_columns(header, rows) == columns


def test_without_a_header_the_column_where_most_cells_look_like_phones_is_the_phone_and_of_two_a_person_says_which() -> (
    None
):
    rows = [
        ["Ann", "", "1961-02-03", PHONES[0]],
        ["Bob", "", "1962-02-03", "n/a"],
        ["Eve", "", "", PHONES[1]],
    ]
    assert guess_columns(None, rows) == [None, None, None, "phone"]
    assert guess_columns(None, [*rows, ["Joe", PHONES[2]]]) == [None, "unclear", None, "unclear"]
    assert guess_columns(None, [["Ann", "Bob"]]) == [None, None]
    assert guess_columns(None, []) == []


def test_one_column_without_a_header_is_the_phone_though_most_numbers_are_damaged() -> None:
    assert guess_columns(None, [["4.15555E+09"], ["4.15555E+09"], ["2025550142 x4"], ["?"]]) == ["phone"]


@given(st.lists(st.text(max_size=60), max_size=8), st.lists(st.lists(st.text(max_size=12), max_size=8), max_size=4))
def test_a_guess_can_be_used_whatever_the_list_says(header: list[str], rows: list[list[str]]) -> None:
    columns = guess_columns(header, rows)
    assert len(columns) == max([len(header), *map(len, rows)])
    named = [column for column in columns if column is not None]
    once = [column for column in named if column not in (*REPEATED, UNCLEAR)]
    assert len(set(once)) == len(once)
    assert all(MERGE_FIELD.fullmatch(column) for column in named)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ([], "phone_column_missing"),
        ([None, "name"], "phone_column_missing"),
        (["phone", "phone"], "column_twice"),
        (["phone", "visits", "visits"], "column_twice"),
        (["phone", "Visits"], "column_name_malformed"),
        (["phone", ""], "column_name_malformed"),
        (["phone", "1st"], "column_name_malformed"),
        (["phone", "a" * 41], "column_name_malformed"),
        (["phone", "visits\n"], "column_name_malformed"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(columns: list[str | None], code: str) -> None:
    with pytest.raises(ColumnsInvalid) as refusal:
        check_columns(columns)
    assert refusal.value.code == code


def test_a_mapping_may_name_every_field_and_leave_columns_out() -> None:
    check_columns([*KINDS, *REPEATED, None, "visit_reason", UNCLEAR, None])
